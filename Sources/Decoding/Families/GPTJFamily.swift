extension ModelFamily {
    /// GPT-J (Wang and Komatsuzaki, 2021): attention and feed-forward in parallel, interleaved RoPE on part of the
    /// head.
    static let gptj = ModelFamily(
        name: "gptj", huggingFaceTypes: ["gptj"], ggufArchitectures: ["gptj"],
        huggingFaceConfiguration: { config in
            let (hidden, heads) = (try config.count("n_embd"), try config.count("n_head"))
            let rope = RotaryEmbedding(
                dimension: try config.count("rotary_dim", default: hidden / heads), theta: 10_000, interleaved: true)
            var model = ModelConfiguration(
                family: "gptj", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("n_positions", default: 2048),
                hiddenSize: hidden, queryHeads: heads, kvHeads: heads, headDim: hidden / heads,
                normalization: .layer(epsilon: try config.number("layer_norm_epsilon", default: 1e-5)),
                feedForward: .init(
                    size: try config.count("n_inner", default: 4 * hidden),
                    activation: try config.activation("activation_function", default: "gelu_new", isGated: false),
                    isGated: false),
                layers: Array(repeating: .init(positions: .rope(rope)), count: try config.layerCount("n_layer")))
            model.block = .parallel
            return model
        },
        ggufConfiguration: { gguf in
            var model = try gguf.decoder(
                "gptj", normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon")),
                activation: .geluTanh, isGated: false, interleaved: true)
            model.block = .parallel
            return model
        },
        huggingFaceNames: { _ in
            TensorNames(
                embedding: "transformer.wte", positionEmbedding: nil, finalNorm: "transformer.ln_f", output: "lm_head",
                ignored: [".attn.bias", ".attn.masked_bias"],
                layer: { index in
                    let prefix = "transformer.h.\(index)."
                    return TensorNames.Layer(
                        attentionNorm: prefix + "ln_1",
                        queryKeyValue: ["q", "k", "v"].map { prefix + "attn.\($0)_proj" },
                        attentionOutput: prefix + "attn.out_proj", feedForwardNorm: nil, gate: nil,
                        up: prefix + "mlp.fc_in", down: prefix + "mlp.fc_out")
                })
        },
        ggufNames: { _ in .gguf(fused: false, gated: false, parallel: true) },
        ggufName: "gptj")
}
