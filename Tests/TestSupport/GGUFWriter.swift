public import Tensors

/// Builds small GGUF files, good ones and, through its raw members, bad ones.
public struct GGUFWriter: Sendable {
    /// A metadata value with the type it is stored in.
    public indirect enum Value: Sendable {
        case uint8(UInt8), uint16(UInt16), uint32(UInt32), uint64(UInt64)
        case int8(Int8), int16(Int16), int32(Int32), int64(Int64)
        case float32(Float), float64(Double), bool(Bool)
        case string(String)
        /// A string whose bytes need not be UTF-8.
        case bytes([UInt8])
        /// An array of values that all have the type of `element`, which also gives an empty array its type.
        case array(of: Value, [Value])

        public static func strings(_ elements: [String]) -> Value {
            .array(of: .string(""), elements.map { .string($0) })
        }

        public static func float32s(_ elements: [Float]) -> Value {
            .array(of: .float32(0), elements.map { .float32($0) })
        }

        public static func int32s(_ elements: [Int32]) -> Value {
            .array(of: .int32(0), elements.map { .int32($0) })
        }
    }

    private struct TensorEntry: Sendable {
        let name: String
        let shape: [Int]
        let typeNumber: UInt32
        let bytes: [UInt8]
        let offset: UInt64?
    }

    /// The version field; 3 unless changed.
    public var version: UInt32 = 3
    /// Stored as `general.alignment` where it is not 32. It must be a multiple of 8.
    public var alignment = 32
    private var entries: [(key: String, value: Value)] = []
    private var tensors: [TensorEntry] = []

    public init() {}

    /// Adds a key. Keys may repeat, which makes a bad file.
    public mutating func add(_ key: String, _ value: Value) { entries.append((key, value)) }

    /// Adds a tensor, encoding `values`. The shape has the outermost dimension first; rows must fill whole blocks.
    public mutating func add(_ name: String, shape: [Int], type: DType, values: [Float]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values for \(shape)")
        precondition((shape.last ?? 1) % type.blockElements == 0, "rows of \(shape) do not fill blocks of \(type)")
        let bytes = ReferenceQuantisation.encode(values, as: type)
        add(name, shape: shape, typeNumber: Self.number(of: type), bytes: bytes)
    }

    /// Adds a tensor of any type number with the given bytes. A given `offset` replaces the right one.
    public mutating func add(
        _ name: String, shape: [Int], typeNumber: UInt32, bytes: [UInt8], offset: UInt64? = nil
    ) {
        tensors.append(TensorEntry(name: name, shape: shape, typeNumber: typeNumber, bytes: bytes, offset: offset))
    }

    /// The number that GGUF gives the type.
    public static func number(of type: DType) -> UInt32 {
        switch type {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q5_0: 6
        case .q5_1: 7
        case .q8_0: 8
        case .q2_k: 10
        case .q3_k: 11
        case .q4_k: 12
        case .q5_k: 13
        case .q6_k: 14
        case .q8_k: 15
        case .iq4_nl: 20
        case .iq4_xs: 23
        case .bf16: 30
        case .tq1_0: 34
        case .tq2_0: 35
        }
    }

    /// The whole file.
    public func bytes() -> [UInt8] {
        var data: [UInt8] = []
        var offsets: [UInt64] = []
        for tensor in tensors {
            pad(&data)
            offsets.append(tensor.offset ?? UInt64(data.count))
            data += tensor.bytes
        }
        var file = header(offsets)
        pad(&file)
        return file + data
    }

    /// Bytes before the padding that precedes the data.
    public var headerByteCount: Int { header(tensors.map { _ in 0 }).count }

    private func header(_ offsets: [UInt64]) -> [UInt8] {
        var entries = entries
        if alignment != 32 { entries.append(("general.alignment", .uint32(UInt32(alignment)))) }
        var out = Array("GGUF".utf8)
        append(version, to: &out)
        append(UInt64(tensors.count), to: &out)
        append(UInt64(entries.count), to: &out)
        for (key, value) in entries {
            append(Array(key.utf8), to: &out)
            append(typeNumber(of: value), to: &out)
            append(value, to: &out)
        }
        for (tensor, offset) in zip(tensors, offsets) {
            append(Array(tensor.name.utf8), to: &out)
            append(UInt32(tensor.shape.count), to: &out)
            for dimension in tensor.shape.reversed() { append(Int64(dimension), to: &out) }
            append(tensor.typeNumber, to: &out)
            append(offset, to: &out)
        }
        return out
    }

    private func pad(_ bytes: inout [UInt8]) {
        while bytes.count % alignment != 0 { bytes.append(0) }
    }

    private func typeNumber(of value: Value) -> UInt32 {
        switch value {
        case .uint8: 0
        case .int8: 1
        case .uint16: 2
        case .int16: 3
        case .uint32: 4
        case .int32: 5
        case .float32: 6
        case .bool: 7
        case .string, .bytes: 8
        case .array: 9
        case .uint64: 10
        case .int64: 11
        case .float64: 12
        }
    }

    private func append(_ value: Value, to out: inout [UInt8]) {
        switch value {
        case .uint8(let value): append(value, to: &out)
        case .int8(let value): append(value, to: &out)
        case .uint16(let value): append(value, to: &out)
        case .int16(let value): append(value, to: &out)
        case .uint32(let value): append(value, to: &out)
        case .int32(let value): append(value, to: &out)
        case .uint64(let value): append(value, to: &out)
        case .int64(let value): append(value, to: &out)
        case .float32(let value): append(value.bitPattern, to: &out)
        case .float64(let value): append(value.bitPattern, to: &out)
        case .bool(let value): out.append(value ? 1 : 0)
        case .string(let value): append(Array(value.utf8), to: &out)
        case .bytes(let value): append(value, to: &out)
        case .array(let element, let elements):
            append(typeNumber(of: element), to: &out)
            append(UInt64(elements.count), to: &out)
            for element in elements { append(element, to: &out) }
        }
    }

    private func append(_ string: [UInt8], to out: inout [UInt8]) {
        append(UInt64(string.count), to: &out)
        out += string
    }

    private func append(_ integer: some FixedWidthInteger, to out: inout [UInt8]) {
        for shift in stride(from: 0, to: integer.bitWidth, by: 8) {
            out.append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }
}
