extension ModelFamily {
    /// StarCoder 2 (Lozhkov et al., arXiv 2402.19173): LayerNorm, biases, RoPE, grouped queries, a window in
    /// every layer.
    static let starCoder2 = ModelFamily(
        name: "starcoder2", huggingFaceTypes: ["starcoder2"], ggufArchitectures: ["starcoder2"],
        huggingFaceConfiguration: { config in
            try config.requireNull("quantization_config")
            let (hidden, heads) = (try config.count("hidden_size"), try config.count("num_attention_heads"))
            let rope = try config.rotaryEmbedding(headDim: hidden / heads)
            let window = try config.countIfPresent("sliding_window")
            return ModelConfiguration(
                family: "starcoder2", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("max_position_embeddings", default: 4096), hiddenSize: hidden,
                queryHeads: heads, kvHeads: try config.count("num_key_value_heads", default: 2),
                headDim: hidden / heads,
                normalization: .layer(epsilon: try config.number("norm_epsilon", default: 1e-5)),
                feedForward: .init(
                    size: try config.count("intermediate_size"),
                    activation: try config.activation("hidden_act", default: "gelu_pytorch_tanh", isGated: false),
                    isGated: false),
                layers: Array(
                    repeating: .init(positions: .rope(rope), window: window), count: try config.layerCount()))
        },
        ggufConfiguration: { gguf in
            let model = try gguf.decoder(
                "starcoder2", normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon")),
                activation: .geluTanh, isGated: false)
            return model.with(windows: try gguf.windows(model.layerCount) { _ in true })
        },
        huggingFaceNames: { _ in
            TensorNames.huggingFace.changingLayers { layer, index in
                layer.gate = nil
                layer.up = "model.layers.\(index).mlp.c_fc"
                layer.down = "model.layers.\(index).mlp.c_proj"
            }
        },
        ggufNames: { _ in .gguf(fused: false, gated: false) },
        ggufName: "starcoder2")
}
