extension ModelFamily {
    /// MPT (MosaicML, 2023): ALiBi, fused Wqkv, LayerNorm without bias, exact GELU, tied output.
    static let mpt = ModelFamily(
        name: "mpt", huggingFaceTypes: ["mpt"], ggufArchitectures: ["mpt"],
        huggingFaceConfiguration: { config in
            let attention = try config.object("attn_config")
            try attention.require("alibi", is: true)
            try attention.require("qk_ln", is: false)
            try attention.require("prefix_lm", is: false)
            try attention.requireNull("clip_qkv")
            try attention.requireNull("softmax_scale")
            let hidden = try config.count("d_model")
            let heads = try config.count("n_heads")
            return ModelConfiguration(
                family: "mpt", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("max_seq_len", default: 2048), layerCount: try config.count("n_layers"),
                hiddenSize: hidden, feedForwardSize: try config.count("expansion_ratio", default: 4) * hidden,
                queryHeads: heads, kvHeads: try attention.count("kv_n_heads", default: heads), headDim: hidden / heads,
                normalization: .layer(epsilon: 1e-5),
                positions: .alibi(maximumBias: Double(try attention.number("alibi_bias_max", default: 8))),
                activation: .geluErf, block: .sequential)
        },
        ggufConfiguration: { gguf in
            try gguf.requireZero("attention.clamp_kqv", meaning: "clipped queries, keys and values")
            let (hidden, heads) = (try gguf.count("embedding_length"), try gguf.count("attention.head_count"))
            return ModelConfiguration(
                family: "mpt", vocabularySize: try gguf.vocabularySize(),
                contextLength: try gguf.count("context_length"),
                layerCount: try gguf.count("block_count"), hiddenSize: hidden,
                feedForwardSize: try gguf.count("feed_forward_length"), queryHeads: heads,
                kvHeads: try gguf.count("attention.head_count_kv", default: heads), headDim: hidden / heads,
                normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon", default: 1e-5)),
                positions: .alibi(maximumBias: Double(try gguf.number("attention.max_alibi_bias"))),
                activation: .geluErf,
                block: .sequential)
        },
        huggingFaceNames: { _ in
            TensorNames(
                embedding: "transformer.wte", positionEmbedding: nil, finalNorm: "transformer.norm_f",
                output: "lm_head",
                layer: { index in
                    let prefix = "transformer.blocks.\(index)."
                    return TensorNames.Layer(
                        attentionNorm: prefix + "norm_1", queryKeyValue: [prefix + "attn.Wqkv"],
                        attentionOutput: prefix + "attn.out_proj", feedForwardNorm: prefix + "norm_2", gate: nil,
                        up: prefix + "ffn.up_proj", down: prefix + "ffn.down_proj")
                })
        },
        ggufNames: { _ in .gguf(fused: true, gated: false) })
}
