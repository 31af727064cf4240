extension ModelFamily {
    /// GPT-NeoX and Pythia (Black et al., arXiv 2204.06745; Biderman et al., arXiv 2304.01373): parallel block with a
    /// norm for each half, RoPE on a part of the head, queries, keys and values fused by head.
    static let gptNeoX = ModelFamily(
        name: "gptneox", huggingFaceTypes: ["gpt_neox"], ggufArchitectures: ["gptneox"],
        huggingFaceConfiguration: { config in
            try config.requireNull("quantization_config")
            let (hidden, heads) = (try config.count("hidden_size"), try config.count("num_attention_heads"))
            let rope = try config.rotaryEmbedding(
                headDim: hidden / heads, thetaField: "rotary_emb_base", partialField: "rotary_pct",
                defaultPartial: 0.25)
            var model = ModelConfiguration(
                family: "gptneox", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("max_position_embeddings", default: 2048), hiddenSize: hidden,
                queryHeads: heads, kvHeads: heads, headDim: hidden / heads,
                normalization: .layer(epsilon: try config.number("layer_norm_eps", default: 1e-5)),
                feedForward: .init(
                    size: try config.count("intermediate_size"),
                    activation: try config.activation("hidden_act", default: "gelu", isGated: false), isGated: false),
                layers: Array(repeating: .init(positions: .rope(rope)), count: try config.layerCount()))
            model.block = try config.flag("use_parallel_residual", default: true) ? .parallel : .sequential
            return model
        },
        ggufConfiguration: { gguf in
            var model = try gguf.decoder(
                "gptneox", normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon")),
                activation: .geluErf, isGated: false)
            model.block = try gguf.flag("use_parallel_residual", default: true) ? .parallel : .sequential
            return model
        },
        huggingFaceNames: { _ in
            TensorNames(
                embedding: "gpt_neox.embed_in", positionEmbedding: nil, finalNorm: "gpt_neox.final_layer_norm",
                output: "embed_out",
                ignored: [".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"],
                layer: { index in
                    let prefix = "gpt_neox.layers.\(index)."
                    return TensorNames.Layer(
                        attentionNorm: prefix + "input_layernorm",
                        queryKeyValue: [prefix + "attention.query_key_value"], fusedOrder: .byKVHead,
                        attentionOutput: prefix + "attention.dense",
                        feedForwardNorm: prefix + "post_attention_layernorm", gate: nil,
                        up: prefix + "mlp.dense_h_to_4h", down: prefix + "mlp.dense_4h_to_h")
                })
        },
        ggufNames: { _ in .gguf(fused: true, gated: false) },
        ggufName: "gptneox")
}
