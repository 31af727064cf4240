/// Tensors and bytes of a model by element type.
public struct WeightMix: Sendable, Equatable {
    /// The tensors of one type.
    public struct Share: Sendable, Equatable {
        public let typeName: String
        public let tensors: Int
        public let bytes: Int
    }

    /// Most bytes first.
    public let shares: [Share]

    /// The type's name and the bytes of each tensor.
    public init(_ tensors: [(typeName: String, bytes: Int)]) {
        var counts: [String: (tensors: Int, bytes: Int)] = [:]
        for tensor in tensors {
            counts[tensor.typeName, default: (0, 0)].tensors += 1
            counts[tensor.typeName, default: (0, 0)].bytes += tensor.bytes
        }
        shares = counts.map { Share(typeName: $0.key, tensors: $0.value.tensors, bytes: $0.value.bytes) }
            .sorted { ($0.bytes, $1.typeName) > ($1.bytes, $0.typeName) }
    }

    public init(_ directory: TensorDirectory) {
        self.init(directory.infos.map { ($0.typeName, $0.range.count) })
    }
}
