internal import ModelFiles

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
    /// The architecture that converted files name; nil where GGUF has none.
    var ggufName: String?
    /// In GGUF the two elements of a rotated pair stand side by side, in Hugging Face files half a head apart.
    var ggufPairsNeighbours = false

    static let all: [ModelFamily] = [
        .llama, .gptj, .gpt2, .mpt, .mistral, .qwen2, .qwen3, .gemma2, .gemma3, .phi3, .smollm3, .olmo2, .gptNeoX,
        .falcon, .starCoder2, .stableLM, .mixtral, .qwen3MoE,
    ]
}
