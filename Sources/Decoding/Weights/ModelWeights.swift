internal import Kernels
internal import Tensors

/// y = W x + b. `weight` is [out, in].
struct Linear: Sendable {
    let weight: PackedMatrix
    let bias: [Float]?
}

/// Weights of a norm.
struct Norm: Sendable {
    let weight: [Float]
    let bias: [Float]?
}

/// The matrices of one feed-forward.
struct FeedForwardWeights: Sendable {
    /// nil where the feed-forward is not gated.
    let gate: Linear?
    let up: Linear
    let down: Linear
}

/// The feed-forwards of a mixture and who chooses among them.
struct ExpertWeights: Sendable {
    /// [experts, hidden]
    let router: Linear
    let experts: [FeedForwardWeights]
}

struct LayerWeights: Sendable {
    enum FeedForward: Sendable {
        case dense(FeedForwardWeights)
        case experts(ExpertWeights)
    }

    /// nil: attention takes the residual stream as it is.
    let attentionNorm: Norm?
    /// Query, key and value, whose outputs stand side by side: [queryHeads + 2·kvHeads, headDim] in all.
    let queryKeyValue: [Linear]
    /// [queryHeads · headDim] and [kvHeads · headDim], where queries and keys are normalised.
    let queryNorm: [Float]?
    let keyNorm: [Float]?
    let attentionOutput: Linear
    /// Of what attention adds to the residual stream.
    let attentionPostNorm: Norm?
    /// nil: the feed-forward takes attention's input in a parallel block, the residual stream in a sequential one.
    let feedForwardNorm: Norm?
    let feedForward: FeedForward
    /// Of what the feed-forward adds.
    let feedForwardPostNorm: Norm?
}

struct ModelWeights: Sendable {
    /// [vocabulary, hidden]
    let embedding: Tensor
    /// [context, hidden]
    let positionEmbedding: Tensor?
    let layers: [LayerWeights]
    let finalNorm: Norm
    let output: Linear
}
