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
                contextLength: try config.count("n_positions", default: 1024), layerCount: try config.count("n_layer"),
                hiddenSize: hidden, feedForwardSize: try config.count("n_inner", default: 4 * hidden),
                queryHeads: heads,
                kvHeads: heads, headDim: hidden / heads,
                normalization: .layer(epsilon: try config.number("layer_norm_epsilon", default: 1e-5)),
                positions: .learned,
                activation: try config.gelu("activation_function", default: "gelu_new"), block: .sequential)
        },
        ggufConfiguration: { gguf in
            let (hidden, heads) = (try gguf.count("embedding_length"), try gguf.count("attention.head_count"))
            return ModelConfiguration(
                family: "gpt2", vocabularySize: try gguf.vocabularySize(),
                contextLength: try gguf.count("context_length"),
                layerCount: try gguf.count("block_count"), hiddenSize: hidden,
                feedForwardSize: try gguf.count("feed_forward_length"), queryHeads: heads, kvHeads: heads,
                headDim: hidden / heads,
                normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon")),
                positions: .learned, activation: .geluTanh, block: .sequential)
        },
        huggingFaceNames: { directory in
            // Checkpoints of the bare model have no `transformer.` in front.
            let root = directory["transformer.wte.weight"] == nil ? "" : "transformer."
            return TensorNames(
                embedding: root + "wte", positionEmbedding: root + "wpe", finalNorm: root + "ln_f", output: "lm_head",
                isTransposed: true,
                layer: { index in
                    let prefix = root + "h.\(index)."
                    return TensorNames.Layer(
                        attentionNorm: prefix + "ln_1", queryKeyValue: [prefix + "attn.c_attn"],
                        attentionOutput: prefix + "attn.c_proj", feedForwardNorm: prefix + "ln_2", gate: nil,
                        up: prefix + "mlp.c_fc", down: prefix + "mlp.c_proj")
                })
        },
        ggufNames: { _ in .gguf(fused: true, gated: false, learnedPositions: true) })
}
