public import Tensors

/// Builds small safetensors files, good ones and, through its raw members, bad ones.
public struct SafetensorsWriter: Sendable {
    private struct TensorEntry {
        let name: String
        let shape: [Int]
        let typeName: String
        let bytes: [UInt8]
    }

    /// Text put under `__metadata__`, where there is any.
    public var metadata: [(key: String, value: String)] = []
    private var tensors: [TensorEntry] = []

    public init() {}

    /// The names of the tensors added so far.
    public var names: [String] { tensors.map(\.name) }

    /// Adds a tensor of type f32, f16 or bf16, encoding `values`. The shape has the outermost dimension first.
    public mutating func add(_ name: String, shape: [Int], type: DType = .f32, values: [Float]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values for \(shape)")
        precondition(type.blockElements == 1, "safetensors has no \(type)")
        add(name, shape: shape, typeName: type.name, bytes: ReferenceQuantisation.encode(values, as: type))
    }

    /// Adds a tensor of any type name with the given bytes.
    public mutating func add(_ name: String, shape: [Int], typeName: String, bytes: [UInt8]) {
        tensors.append(TensorEntry(name: name, shape: shape, typeName: typeName, bytes: bytes))
    }

    /// The header's JSON text, padded with spaces so that the data is aligned to 8 bytes.
    public var header: String {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.map { "\(Self.literal($0.key)):\(Self.literal($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        for tensor in tensors {
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            let end = offset + tensor.bytes.count
            members.append(
                "\(Self.literal(tensor.name)):{\"dtype\":\"\(tensor.typeName)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        let text = "{\(members.joined(separator: ","))}"
        return text + String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
    }

    /// The whole file.
    public func bytes() -> [UInt8] { Self.bytes(header: header, data: tensors.flatMap(\.bytes)) }

    /// A file with any text as its header.
    public static func bytes(header: String, data: [UInt8]) -> [UInt8] {
        let length = UInt64(header.utf8.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8) + data
    }

    /// The text of `model.safetensors.index.json` for shards with their file names.
    public static func index(_ shards: [(name: String, writer: SafetensorsWriter)]) -> String {
        let places = shards.flatMap { shard in shard.writer.names.map { "\(literal($0)):\(literal(shard.name))" } }
        return "{\"metadata\":{},\"weight_map\":{\(places.joined(separator: ","))}}"
    }

    private static func literal(_ text: String) -> String {
        var literal = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": literal += "\\\(scalar)"
            case "\u{00}"..<"\u{20}":
                literal += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: literal.unicodeScalars.append(scalar)
            }
        }
        return literal + "\""
    }
}
