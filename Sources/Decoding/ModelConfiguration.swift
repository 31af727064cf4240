internal import Glibc
public import KVCaching

/// The shape and the arithmetic of a decoder-only transformer, whatever file it came from.
public struct ModelConfiguration: Sendable, Equatable {
    /// How the residual stream is normalised.
    public enum Normalization: Sendable, Equatable {
        case rms(epsilon: Float)
        /// Mean and variance; weights may have no bias.
        case layer(epsilon: Float)
    }

    /// How positions enter.
    public enum Positions: Sendable, Equatable {
        /// `interleaved`: pairs (2i, 2i+1); otherwise pairs (i, i + rotaryDim/2).
        case rope(rotaryDim: Int, theta: Double, interleaved: Bool)
        /// Learned embeddings added to the token embedding.
        case learned
        case alibi(maximumBias: Double)
    }

    /// What stands between the feed-forward matrices.
    public enum Activation: Sendable, Equatable {
        /// silu(gate) · up
        case siluGated
        case geluTanh
        case geluErf
    }

    /// How attention and feed-forward join the residual stream.
    public enum Block: Sendable, Equatable {
        /// x += attention(norm(x)); x += feedForward(norm(x))
        case sequential
        /// One norm feeds both: x += attention(y) + feedForward(y)
        case parallel
    }

    public var family: String
    public var vocabularySize: Int
    /// Positions the model was made for.
    public var contextLength: Int
    public var layerCount: Int
    public var hiddenSize: Int
    public var feedForwardSize: Int
    public var queryHeads: Int
    public var kvHeads: Int
    public var headDim: Int
    public var normalization: Normalization
    public var positions: Positions
    public var activation: Activation
    public var block: Block

    public var cacheShape: CacheShape {
        CacheShape(
            layerCount: layerCount, kvHeads: kvHeads, queryHeads: queryHeads, headDim: headDim, hiddenSize: hiddenSize)
    }

    public var usesRoPE: Bool {
        if case .rope = positions { true } else { false }
    }
}

extension ModelConfiguration {
    /// What attention does with positions, with tables of its own.
    var positionEncoding: PositionEncoding {
        switch positions {
        case .rope(let rotaryDim, let theta, let interleaved):
            .rope(RoPETable(rotaryDim: rotaryDim, theta: theta, pairing: interleaved ? .interleaved : .half))
        case .learned: .none
        case .alibi(let maximumBias): .alibi(slopes: Self.alibiSlopes(heads: queryHeads, maximumBias: maximumBias))
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
