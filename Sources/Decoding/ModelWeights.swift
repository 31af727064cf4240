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

struct LayerWeights: Sendable {
    let attentionNorm: Norm
    /// Query, key and value, whose outputs stand side by side: [queryHeads + 2·kvHeads, headDim] in all.
    let queryKeyValue: [Linear]
    let attentionOutput: Linear
    /// nil in parallel blocks.
    let feedForwardNorm: Norm?
    /// nil where the feed-forward is not gated.
    let gate: Linear?
    let up: Linear
    let down: Linear
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
