extension ModelFamily {
    /// GPT-J (Wang and Komatsuzaki, 2021): attention and feed-forward in parallel, interleaved RoPE on part of the
    /// head.
    static let gptj = ModelFamily(
        name: "gptj", huggingFaceTypes: ["gptj"], ggufArchitectures: ["gptj"],
        huggingFaceConfiguration: { config in
            let (hidden, heads) = (try config.count("n_embd"), try config.count("n_head"))
            return ModelConfiguration(
                family: "gptj", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("n_positions", default: 2048), layerCount: try config.count("n_layer"),
                hiddenSize: hidden, feedForwardSize: try config.count("n_inner", default: 4 * hidden),
                queryHeads: heads,
                kvHeads: heads, headDim: hidden / heads,
                normalization: .layer(epsilon: try config.number("layer_norm_epsilon", default: 1e-5)),
                positions: .rope(
                    rotaryDim: try config.count("rotary_dim", default: hidden / heads), theta: 10_000, interleaved: true
                ),
                activation: try config.gelu("activation_function", default: "gelu_new"), block: .parallel)
        },
        ggufConfiguration: { gguf in
            let (hidden, heads) = (try gguf.count("embedding_length"), try gguf.count("attention.head_count"))
            return ModelConfiguration(
                family: "gptj", vocabularySize: try gguf.vocabularySize(),
                contextLength: try gguf.count("context_length"),
                layerCount: try gguf.count("block_count"), hiddenSize: hidden,
                feedForwardSize: try gguf.count("feed_forward_length"), queryHeads: heads, kvHeads: heads,
                headDim: hidden / heads,
                normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon")),
                positions: .rope(rotaryDim: try gguf.count("rope.dimension_count"), theta: 10_000, interleaved: true),
                activation: .geluTanh, block: .parallel)
        },
        huggingFaceNames: { _ in
            TensorNames(
                embedding: "transformer.wte", positionEmbedding: nil, finalNorm: "transformer.ln_f", output: "lm_head",
                layer: { index in
                    let prefix = "transformer.h.\(index)."
                    return TensorNames.Layer(
                        attentionNorm: prefix + "ln_1",
                        queryKeyValue: ["q", "k", "v"].map { prefix + "attn.\($0)_proj" },
                        attentionOutput: prefix + "attn.out_proj", feedForwardNorm: nil, gate: nil,
                        up: prefix + "mlp.fc_in", down: prefix + "mlp.fc_out")
                })
        },
        ggufNames: { _ in .gguf(fused: false, gated: false, parallel: true) })
}
