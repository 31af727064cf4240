/// The head of a GGUF file of version 3: metadata and the list of tensors, before the data.
struct GGUFHeader {
    /// Data and tensors start at multiples of this.
    static let alignment = 32

    /// A metadata value.
    enum Value {
        case uint32(UInt32)
        case float32(Float)
        case bool(Bool)
        case string(String)
        case strings([String])
        case int32s([Int32])

        var typeNumber: UInt32 {
            switch self {
            case .uint32: 4
            case .float32: 6
            case .bool: 7
            case .string: 8
            case .strings, .int32s: 9
            }
        }
    }

    var entries: [(key: String, value: Value)] = []
    /// Name, shape with the outermost dimension first, GGUF's type number and bytes of data.
    var tensors: [(name: String, shape: [Int], typeNumber: UInt32, byteCount: Int)] = []

    /// The head's bytes, padded: tensor data come next, each padded likewise.
    func bytes() -> [UInt8] {
        var out = Array("GGUF".utf8)
        out.append(littleEndian: UInt32(3))
        out.append(littleEndian: UInt64(tensors.count))
        out.append(littleEndian: UInt64(entries.count))
        for (key, value) in entries {
            Self.append(key, to: &out)
            out.append(littleEndian: value.typeNumber)
            Self.append(value, to: &out)
        }
        var offset = 0
        for tensor in tensors {
            Self.append(tensor.name, to: &out)
            out.append(littleEndian: UInt32(tensor.shape.count))
            for dimension in tensor.shape.reversed() { out.append(littleEndian: UInt64(dimension)) }
            out.append(littleEndian: tensor.typeNumber)
            out.append(littleEndian: UInt64(offset))
            offset += Self.padded(tensor.byteCount)
        }
        out += repeatElement(0, count: Self.padded(out.count) - out.count)
        return out
    }

    /// The next multiple of `alignment`.
    static func padded(_ byteCount: Int) -> Int { (byteCount + alignment - 1) / alignment * alignment }

    private static func append(_ value: Value, to out: inout [UInt8]) {
        switch value {
        case .uint32(let number): out.append(littleEndian: number)
        case .float32(let number): out.append(littleEndian: number.bitPattern)
        case .bool(let flag): out.append(flag ? 1 : 0)
        case .string(let text): append(text, to: &out)
        case .strings(let texts):
            out.append(littleEndian: UInt32(8))
            out.append(littleEndian: UInt64(texts.count))
            for text in texts { append(text, to: &out) }
        case .int32s(let numbers):
            out.append(littleEndian: UInt32(5))
            out.append(littleEndian: UInt64(numbers.count))
            for number in numbers { out.append(littleEndian: number) }
        }
    }

    private static func append(_ text: String, to out: inout [UInt8]) {
        out.append(littleEndian: UInt64(text.utf8.count))
        out += text.utf8
    }
}
