internal import ModelFiles

/// Names of a model's tensors in one file format. Norms and linears are named without `.weight` and `.bias`.
struct TensorNames: Sendable {
    struct Layer: Sendable {
        var attentionNorm: String
        /// Query, key and value: one fused matrix in that order, or three.
        var queryKeyValue: [String]
        var attentionOutput: String
        /// nil in parallel blocks.
        var feedForwardNorm: String?
        /// Only in gated feed-forwards.
        var gate: String?
        var up: String
        var down: String
    }

    var embedding: String
    /// Only with learned positions.
    var positionEmbedding: String?
    var finalNorm: String
    /// Used where the file has it; otherwise the embedding is the output matrix.
    var output: String
    /// Matrices are stored [in, out] (GPT-2's Conv1D).
    var isTransposed = false
    var layer: @Sendable (Int) -> Layer
}

/// A family of models: how each file format spells its configuration and its tensors. Data; the forward pass knows no
/// family.
struct ModelFamily: Sendable {
    var name: String
    /// `model_type` values of config.json.
    var huggingFaceTypes: [String]
    /// `general.architecture` values of GGUF.
    var ggufArchitectures: [String]
    var huggingFaceConfiguration: @Sendable (HuggingFaceConfiguration) throws -> ModelConfiguration
    var ggufConfiguration: @Sendable (GGUFConfiguration) throws -> ModelConfiguration
    var huggingFaceNames: @Sendable (TensorDirectory) -> TensorNames
    var ggufNames: @Sendable (TensorDirectory) -> TensorNames

    static let all: [ModelFamily] = [.llama, .gptj, .gpt2, .mpt]
}

extension TensorNames {
    /// GGUF names every family's tensors alike; `fused` is for families that store query, key and value as one matrix.
    static func gguf(fused: Bool, gated: Bool, learnedPositions: Bool = false, parallel: Bool = false) -> TensorNames {
        TensorNames(
            embedding: "token_embd", positionEmbedding: learnedPositions ? "position_embd" : nil,
            finalNorm: "output_norm",
            output: "output",
            layer: { index in
                let prefix = "blk.\(index)."
                return Layer(
                    attentionNorm: prefix + "attn_norm",
                    queryKeyValue: fused ? [prefix + "attn_qkv"] : ["q", "k", "v"].map { prefix + "attn_" + $0 },
                    attentionOutput: prefix + "attn_output", feedForwardNorm: parallel ? nil : prefix + "ffn_norm",
                    gate: gated ? prefix + "ffn_gate" : nil, up: prefix + "ffn_up", down: prefix + "ffn_down")
            })
    }
}
