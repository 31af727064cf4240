extension ModelFamily {
    /// Qwen 2 and 2.5 (Qwen Team, arXiv 2407.10671): Llama with biases on queries, keys and values.
    static let qwen2 = ModelFamily(
        name: "qwen2", huggingFaceTypes: ["qwen2"], ggufArchitectures: ["qwen2"],
        huggingFaceConfiguration: { config in
            let model = try config.gatedDecoder("qwen2")
            return model.with(windows: try config.optionalWindows(model.layerCount))
        },
        ggufConfiguration: { gguf in try gguf.gatedDecoder("qwen2") },
        huggingFaceNames: { _ in .huggingFace },
        ggufNames: { _ in .gguf(fused: false, gated: true) },
        ggufName: "qwen2")
}
