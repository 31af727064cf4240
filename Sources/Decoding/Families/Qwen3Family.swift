extension ModelFamily {
    /// Qwen 3 (Qwen Team, arXiv 2505.09388): Llama with an RMSNorm over each head of queries and keys.
    static let qwen3 = ModelFamily(
        name: "qwen3", huggingFaceTypes: ["qwen3"], ggufArchitectures: ["qwen3"],
        huggingFaceConfiguration: { config in
            var model = try config.gatedDecoder("qwen3", headDim: 128)
            model.queryKeyNorm = .head
            return model.with(windows: try config.optionalWindows(model.layerCount))
        },
        ggufConfiguration: { gguf in
            var model = try gguf.gatedDecoder("qwen3")
            model.queryKeyNorm = .head
            return model
        },
        huggingFaceNames: { _ in .huggingFace.withHeadNorms() },
        ggufNames: { _ in .gguf(fused: false, gated: true).withQueryKeyNorms() },
        ggufName: "qwen3")
}

extension TensorNames {
    /// With `q_norm` and `k_norm` in Hugging Face files.
    func withHeadNorms() -> TensorNames {
        changingLayers { layer, index in
            layer.queryNorm = ["model.layers.\(index).self_attn.q_norm"]
            layer.keyNorm = ["model.layers.\(index).self_attn.k_norm"]
        }
    }
}
