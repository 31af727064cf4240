public import Tensors

/// Writes a GGUF file of version 3: first it is told all metadata and the tensors' shapes and types, then it takes the
/// tensors' bytes in the same order.
public struct GGUFFileWriter {
    /// A metadata value with the type it is stored in.
    public enum Value: Sendable, Equatable {
        case uint32(UInt32)
        case int32(Int32)
        case float32(Float)
        case bool(Bool)
        case string(String)
        case strings([[UInt8]])
        case int32s([Int32])
        case float32s([Float])
    }

    private enum Entry {
        case value(Value)
        /// A value as another file holds it.
        case stored(type: GGUFValueType, bytes: [UInt8])
    }

    private struct Planned {
        let name: String
        let shape: [Int]
        let type: DType
        let byteCount: Int
    }

    /// Where tensors' data begin: multiples of this.
    public let alignment: Int
    private var entries: [(key: String, entry: Entry)] = []
    private var tensors: [Planned] = []

    /// `alignment` is a power of two and at least 8; where it is not 32, it is stored as `general.alignment`.
    public init(alignment: Int = 32) {
        precondition(alignment >= 8 && alignment & (alignment - 1) == 0, "alignment \(alignment)")
        self.alignment = alignment
        if alignment != GGUFReader.defaultAlignment { set(GGUFReader.alignmentKey, .uint32(UInt32(alignment))) }
    }

    /// Sets a key, in its place where it is there already.
    public mutating func set(_ key: String, _ value: Value) { set(key, .value(value)) }

    /// Sets all keys of another file, with the types that it has them in. Those in `except` are left out, and so is
    /// the alignment, which is this file's own.
    public mutating func set(_ metadata: GGUFMetadata, except: Set<String> = []) {
        for key in metadata.keys where key != GGUFReader.alignmentKey && !except.contains(key) {
            guard let (type, bytes) = metadata.storedValue(of: key) else { continue }
            set(key, .stored(type: type, bytes: bytes))
        }
    }

    private mutating func set(_ key: String, _ entry: Entry) {
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].entry = entry
        } else {
            entries.append((key, entry))
        }
    }

    /// Plans a tensor, outermost dimension first. Rows fill whole blocks of the type; names differ.
    public mutating func add(_ name: String, shape: [Int], type: DType) {
        precondition((shape.last ?? 1) % type.blockElements == 0, "rows of \(shape) do not fill blocks of \(type)")
        guard let byteCount = type.byteCount(elements: shape.reduce(1, *)) else {
            preconditionFailure("\(shape) of \(type) is too large")
        }
        tensors.append(Planned(name: name, shape: shape, type: type, byteCount: byteCount))
    }

    /// Writes the file. `bytes` is called for each tensor, in order, and passes all its bytes to the function it is
    /// given, in any number of pieces. `check` may look at the file before it gets its name; after an error nothing
    /// stays of it, and what was at `path` is as it was. `inputs` are files that it must not replace. Returns its size.
    @discardableResult
    public func write(
        to path: String, inputs: [String] = [],
        bytes: (_ tensor: Int, _ append: (RawSpan) throws -> Void) throws -> Void,
        check: (_ temporaryPath: String) throws -> Void = { _ in }
    ) throws -> Int {
        let file = try OutputFile(path: path, inputs: inputs)
        try file.append(header())
        for (index, tensor) in tensors.enumerated() {
            let start = file.byteCount
            try bytes(index) { try file.append($0) }
            let written = file.byteCount - start
            precondition(written == tensor.byteCount, "\(written) bytes of \(tensor.byteCount) for \(tensor.name)")
            try file.append([UInt8](repeating: 0, count: padded(written) - written))
        }
        try check(file.temporaryPath)
        try file.commit()
        return file.byteCount
    }

    /// Everything before the data, padded.
    func header() -> [UInt8] {
        var out = GGUFReader.magic
        out.append(littleEndian: UInt32(3))
        out.append(littleEndian: UInt64(tensors.count))
        out.append(littleEndian: UInt64(entries.count))
        for (key, entry) in entries {
            out.append(lengthAnd: Array(key.utf8))
            switch entry {
            case .value(let value):
                out.append(littleEndian: value.type.rawValue)
                value.append(to: &out)
            case .stored(let type, let bytes):
                out.append(littleEndian: type.rawValue)
                out += bytes
            }
        }
        var offset = 0
        for tensor in tensors {
            out.append(lengthAnd: Array(tensor.name.utf8))
            out.append(littleEndian: UInt32(tensor.shape.count))
            for dimension in tensor.shape.reversed() { out.append(littleEndian: UInt64(dimension)) }
            out.append(littleEndian: GGUFTensorType.number(of: tensor.type))
            out.append(littleEndian: UInt64(offset))
            offset += padded(tensor.byteCount)
        }
        return out + [UInt8](repeating: 0, count: padded(out.count) - out.count)
    }

    private func padded(_ byteCount: Int) -> Int { (byteCount + alignment - 1) / alignment * alignment }
}

extension GGUFFileWriter.Value {
    var type: GGUFValueType {
        switch self {
        case .uint32: .uint32
        case .int32: .int32
        case .float32: .float32
        case .bool: .bool
        case .string: .string
        case .strings, .int32s, .float32s: .array
        }
    }

    func append(to out: inout [UInt8]) {
        switch self {
        case .uint32(let number): out.append(littleEndian: number)
        case .int32(let number): out.append(littleEndian: number)
        case .float32(let number): out.append(littleEndian: number.bitPattern)
        case .bool(let flag): out.append(flag ? 1 : 0)
        case .string(let text): out.append(lengthAnd: Array(text.utf8))
        case .strings(let texts):
            Self.appendArrayHead(.string, texts.count, to: &out)
            for text in texts { out.append(lengthAnd: text) }
        case .int32s(let numbers):
            Self.appendArrayHead(.int32, numbers.count, to: &out)
            for number in numbers { out.append(littleEndian: number) }
        case .float32s(let numbers):
            Self.appendArrayHead(.float32, numbers.count, to: &out)
            for number in numbers { out.append(littleEndian: number.bitPattern) }
        }
    }

    private static func appendArrayHead(_ type: GGUFValueType, _ count: Int, to out: inout [UInt8]) {
        out.append(littleEndian: type.rawValue)
        out.append(littleEndian: UInt64(count))
    }
}

extension [UInt8] {
    /// The integer's bytes, the lowest first.
    fileprivate mutating func append(littleEndian integer: some FixedWidthInteger) {
        for shift in stride(from: 0, to: integer.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }

    /// A string as GGUF stores it.
    fileprivate mutating func append(lengthAnd string: [UInt8]) {
        append(littleEndian: UInt64(string.count))
        self += string
    }
}
