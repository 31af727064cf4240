extension ModelFamily {
    /// MPT (MosaicML, 2023): ALiBi, fused Wqkv, LayerNorm without bias, exact GELU, tied output.
    static let mpt = ModelFamily(
        name: "mpt", huggingFaceTypes: ["mpt"], ggufArchitectures: ["mpt"],
        huggingFaceConfiguration: { config in
            let attention = try config.object("attn_config")
            try attention.require("alibi", is: true)
            try attention.require("qk_ln", is: false)
            try attention.require("prefix_lm", is: false)
            try config.requireNull("logit_scale")
            let hidden = try config.count("d_model")
            let heads = try config.count("n_heads")
            let alibi = ModelConfiguration.Positions.alibi(
                maximumBias: Double(try attention.number("alibi_bias_max", default: 8)))
            var model = ModelConfiguration(
                family: "mpt", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("max_seq_len", default: 2048), hiddenSize: hidden, queryHeads: heads,
                kvHeads: try attention.count("kv_n_heads", default: heads), headDim: hidden / heads,
                normalization: .layer(epsilon: 1e-5),
                feedForward: .init(
                    size: try config.count("expansion_ratio", default: 4) * hidden, activation: .geluErf,
                    isGated: false),
                layers: Array(repeating: .init(positions: alibi), count: try config.layerCount("n_layers")))
            model.queryKeyValueBound = try attention.numberIfPresent("clip_qkv")
            model.attentionScale = try attention.numberIfPresent("softmax_scale")
            return model
        },
        ggufConfiguration: { gguf in
            var model = try gguf.decoder(
                "mpt", normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon", default: 1e-5)),
                activation: .geluErf, isGated: false)
            let alibi = ModelConfiguration.Positions.alibi(
                maximumBias: Double(try gguf.number("attention.max_alibi_bias")))
            for index in model.layers.indices { model.layers[index].positions = alibi }
            model.queryKeyValueBound = try gguf.numberIfSet("attention.clamp_kqv")
            return model
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
        ggufNames: { _ in .gguf(fused: true, gated: false) },
        ggufName: "mpt")
}
