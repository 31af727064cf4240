internal import Glibc
public import KVCaching

/// The shape and the arithmetic of a decoder-only transformer, whatever file it came from. Families fill it in; the
/// forward pass reads it and knows no family. Where norms and biases stand is said by the names of their tensors
/// (`TensorNames`).
public struct ModelConfiguration: Sendable, Equatable {
    /// How the residual stream is normalised.
    public enum Normalization: Sendable, Equatable {
        case rms(epsilon: Float)
        /// Mean and variance; weights may have no bias.
        case layer(epsilon: Float)
    }

    /// How positions enter a layer.
    public enum Positions: Sendable, Equatable {
        case rope(RotaryEmbedding)
        /// Learned embeddings added to the token embedding.
        case learned
        case alibi(maximumBias: Double)
        /// Not at all: the layer sees an unordered past.
        case none
    }

    /// The function of the feed-forward.
    public enum Activation: Sendable, Equatable {
        case silu
        case geluTanh
        case geluErf
    }

    /// The feed-forward: activation(gate) · up where it is gated, activation(up) otherwise.
    public struct FeedForward: Sendable, Equatable {
        public var size: Int
        public var activation: Activation
        public var isGated: Bool

        public init(size: Int, activation: Activation, isGated: Bool) {
            self.size = size
            self.activation = activation
            self.isGated = isGated
        }
    }

    /// A mixture of gated feed-forwards (Shazeer et al., arXiv 1701.06538): each row takes the `used` ones with the
    /// largest softmax of the router's logits, weighed by it.
    public struct Experts: Sendable, Equatable {
        public var count: Int
        public var used: Int
        /// Of each.
        public var size: Int
        /// Whether the weights of those used are divided by their sum.
        public var normalizesWeights: Bool

        public init(count: Int, used: Int, size: Int, normalizesWeights: Bool) {
            self.count = count
            self.used = used
            self.size = size
            self.normalizesWeights = normalizesWeights
        }
    }

    /// How attention and feed-forward join the residual stream.
    public enum Block: Sendable, Equatable {
        /// x += attention(norm(x)); x += feedForward(norm(x))
        case sequential
        /// x += attention(norm(x)) + feedForward(norm(x)), with one norm for both or one each
        case parallel
    }

    /// What queries and keys are normalised over before rotation.
    public enum QueryKeyNorm: Sendable, Equatable {
        case head
        /// All heads of queries together, and all heads of keys.
        case projection
    }

    /// What differs between layers.
    public struct Layer: Sendable, Equatable {
        public var positions: Positions
        /// Tokens that a query sees, itself included; nil: all.
        public var window: Int?
        /// nil: the model's feed-forward.
        public var experts: Experts?

        public init(positions: Positions, window: Int? = nil, experts: Experts? = nil) {
            self.positions = positions
            self.window = window
            self.experts = experts
        }
    }

    public var family: String
    public var vocabularySize: Int
    /// Positions the model was made for.
    public var contextLength: Int
    public var hiddenSize: Int
    public var queryHeads: Int
    public var kvHeads: Int
    public var headDim: Int
    public var normalization: Normalization
    public var feedForward: FeedForward
    public var block = Block.sequential
    public var layers: [Layer]
    /// What embeddings of tokens are multiplied with.
    public var embeddingScale: Float = 1
    public var queryKeyNorm: QueryKeyNorm?
    /// Queries, keys and values are brought between −bound and bound.
    public var queryKeyValueBound: Float?
    /// What products of queries and keys are multiplied with; nil: 1 / √headDim.
    public var attentionScale: Float?
    /// c of c · tanh(x / c), for the logits of attention.
    public var attentionSoftCap: Float?
    /// The same for the logits of tokens.
    public var finalSoftCap: Float?

    public init(
        family: String, vocabularySize: Int, contextLength: Int, hiddenSize: Int, queryHeads: Int, kvHeads: Int,
        headDim: Int, normalization: Normalization, feedForward: FeedForward, layers: [Layer]
    ) {
        self.family = family
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.hiddenSize = hiddenSize
        self.queryHeads = queryHeads
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.normalization = normalization
        self.feedForward = feedForward
        self.layers = layers
    }

    public var layerCount: Int { layers.count }

    /// The most units between feed-forward matrices that a row passes at a time.
    public var feedForwardSize: Int { max(feedForward.size, layers.compactMap(\.experts?.size).max() ?? 0) }

    public var cacheShape: CacheShape {
        CacheShape(
            layerCount: layerCount, kvHeads: kvHeads, queryHeads: queryHeads, headDim: headDim, hiddenSize: hiddenSize,
            windows: layers.contains { $0.window != nil } ? layers.map(\.window) : [])
    }

    /// Whether any layer rotates queries and keys.
    public var usesRoPE: Bool {
        layers.contains { if case .rope = $0.positions { true } else { false } }
    }

    /// Whether positions are a table that ends.
    public var usesLearnedPositions: Bool { layers.contains { $0.positions == .learned } }

    /// The most experts that a layer has.
    var expertCount: Int { layers.compactMap(\.experts?.count).max() ?? 0 }
}

extension ModelConfiguration {
    /// How the layers attend. Layers with the same RoPE share its tables.
    func attentionLayers() -> [LayerAttention] {
        var tables: [(embedding: RotaryEmbedding, encoding: PositionEncoding)] = []
        return layers.map { layer in
            let encoding: PositionEncoding
            switch layer.positions {
            case .rope(let embedding):
                if let made = tables.first(where: { $0.embedding == embedding }) {
                    encoding = made.encoding
                } else {
                    encoding = embedding.encoding()
                    tables.append((embedding, encoding))
                }
            case .learned, .none: encoding = .none
            case .alibi(let maximumBias):
                encoding = .alibi(slopes: Self.alibiSlopes(heads: queryHeads, maximumBias: maximumBias))
            }
            return LayerAttention(
                encoding: encoding, scale: attentionScale ?? 1 / Float(headDim).squareRoot(), softCap: attentionSoftCap
            )
        }
    }

    /// Slope of head i (from 1) is 2^(−i · maximumBias / P), P = heads rounded up to a power of two; where P is
    /// larger, every second slope first, then the others, cut to the number of heads (Press et al., arXiv 2108.12409;
    /// MPT's reading).
    static func alibiSlopes(heads: Int, maximumBias: Double) -> [Float] {
        var rounded = 1
        while rounded < heads { rounded *= 2 }
        let slopes = (1...rounded).map { exp2(-Double($0) * maximumBias / Double(rounded)) }
        guard rounded != heads else { return slopes.map(Float.init) }
        let ordered =
            stride(from: 1, to: rounded, by: 2).map { slopes[$0] }
            + stride(from: 0, to: rounded, by: 2).map { slopes[$0] }
        return ordered.prefix(heads).map(Float.init)
    }
}
