internal import ModelFiles

extension ModelFamily {
    /// GPT-2 (Radford et al., 2019) and Cerebras-GPT: learned positions, biases everywhere, tied output.
    static let gpt2 = ModelFamily(
        name: "gpt2", huggingFaceTypes: ["gpt2"], ggufArchitectures: ["gpt2"],
        huggingFaceConfiguration: { config in
            try config.require("scale_attn_weights", is: true)
            try config.require("scale_attn_by_inverse_layer_idx", is: false)
            let (hidden, heads) = (try config.count("n_embd"), try config.count("n_head"))
            return ModelConfiguration(
                family: "gpt2", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("n_positions", default: 1024), hiddenSize: hidden, queryHeads: heads,
                kvHeads: heads, headDim: hidden / heads,
                normalization: .layer(epsilon: try config.number("layer_norm_epsilon", default: 1e-5)),
                feedForward: .init(
                    size: try config.count("n_inner", default: 4 * hidden),
                    activation: try config.activation("activation_function", default: "gelu_new", isGated: false),
                    isGated: false),
                layers: Array(repeating: .init(positions: .learned), count: try config.layerCount("n_layer")))
        },
        ggufConfiguration: { gguf in
            var model = try gguf.decoder(
                "gpt2", normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon")),
                activation: .geluTanh, isGated: false)
            for index in model.layers.indices { model.layers[index].positions = .learned }
            return model
        },
        huggingFaceNames: { directory in
            // Checkpoints of the bare model have no `transformer.` in front.
            let root = directory["transformer.wte.weight"] == nil ? "" : "transformer."
            return TensorNames(
                embedding: root + "wte", positionEmbedding: root + "wpe", finalNorm: root + "ln_f", output: "lm_head",
                isTransposed: true, ignored: [".attn.bias", ".attn.masked_bias"],
                layer: { index in
                    let prefix = root + "h.\(index)."
                    return TensorNames.Layer(
                        attentionNorm: prefix + "ln_1", queryKeyValue: [prefix + "attn.c_attn"],
                        attentionOutput: prefix + "attn.c_proj", feedForwardNorm: prefix + "ln_2", gate: nil,
                        up: prefix + "mlp.c_fc", down: prefix + "mlp.c_proj")
                })
        },
        ggufNames: { _ in .gguf(fused: true, gated: false, learnedPositions: true) },
        ggufName: "gpt2")
}
