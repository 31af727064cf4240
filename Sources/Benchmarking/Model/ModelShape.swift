internal import Tensors

/// The dimensions of a Llama-architecture model, named after models of that size.
public enum ModelShape: String, Sendable, CaseIterable {
    /// A tenth of a million parameters: for tests.
    case tiny
    /// A million parameters, in rows that fill blocks of 256: for tests.
    case small
    case story15m
    case smol135m
    case llama1b

    /// The numbers that a file's metadata and tensors need.
    struct Dimensions: Sendable, Equatable {
        let layers: Int
        let hidden: Int
        let queryHeads: Int
        let kvHeads: Int
        let headDim: Int
        let feedForward: Int
        let vocabulary: Int
        let context: Int
        let ropeTheta: Float
    }

    var dimensions: Dimensions {
        switch self {
        case .tiny:
            Dimensions(
                layers: 2, hidden: 64, queryHeads: 4, kvHeads: 2, headDim: 16, feedForward: 128, vocabulary: 1024,
                context: 2048, ropeTheta: 10_000)
        case .small:
            Dimensions(
                layers: 2, hidden: 256, queryHeads: 8, kvHeads: 4, headDim: 32, feedForward: 512, vocabulary: 1024,
                context: 2048, ropeTheta: 10_000)
        case .story15m:
            Dimensions(
                layers: 6, hidden: 288, queryHeads: 6, kvHeads: 6, headDim: 48, feedForward: 768, vocabulary: 32_000,
                context: 40_960, ropeTheta: 10_000)
        case .smol135m:
            Dimensions(
                layers: 30, hidden: 576, queryHeads: 9, kvHeads: 3, headDim: 64, feedForward: 1536,
                vocabulary: 49_152, context: 40_960, ropeTheta: 100_000)
        case .llama1b:
            Dimensions(
                layers: 16, hidden: 2048, queryHeads: 32, kvHeads: 8, headDim: 64, feedForward: 8192,
                vocabulary: 128_256, context: 131_072, ropeTheta: 500_000)
        }
    }

    /// Whether the rows of all matrices fill blocks of the type.
    func fits(_ type: WeightType) -> Bool {
        let size = dimensions
        return [size.hidden, size.feedForward, size.queryHeads * size.headDim].allSatisfy {
            $0 % type.dtype.blockElements == 0
        }
    }
}
