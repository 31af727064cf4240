internal import ModelFiles

extension ModelFamily {
    /// Falcon (Almazrouei et al., arXiv 2311.16867): parallel block, one KV head (7B) or some (40B, "new decoder
    /// architecture", with a norm for each half), RoPE over the whole head.
    static let falcon = ModelFamily(
        name: "falcon", huggingFaceTypes: ["falcon", "RefinedWeb", "RefinedWebModel"], ggufArchitectures: ["falcon"],
        huggingFaceConfiguration: { config in
            try config.requireNull("quantization_config")
            try config.require("alibi", is: false)
            let hidden = try config.count("hidden_size")
            let heads = try config.count(config.has("num_attention_heads") ? "num_attention_heads" : "n_head")
            let isNew = try config.flag("new_decoder_architecture", default: false)
            let isShared = try config.flag("multi_query", default: true)
            let kvName = config.has("num_kv_heads") ? "num_kv_heads" : "n_head_kv"
            let rope = try config.rotaryEmbedding(headDim: hidden / heads)
            var model = ModelConfiguration(
                family: "falcon", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("max_position_embeddings", default: 2048), hiddenSize: hidden,
                queryHeads: heads, kvHeads: isNew ? try config.count(kvName, default: heads) : isShared ? 1 : heads,
                headDim: hidden / heads,
                normalization: .layer(epsilon: try config.number("layer_norm_epsilon", default: 1e-5)),
                feedForward: .init(
                    size: try config.count("ffn_hidden_size", default: 4 * hidden),
                    activation: try config.activation("activation", default: "gelu", isGated: false), isGated: false),
                layers: Array(
                    repeating: .init(positions: .rope(rope)),
                    count: try config.layerCount(config.has("num_hidden_layers") ? "num_hidden_layers" : "n_layer")))
            let isParallel = try config.flag("parallel_attn", default: true)
            model.block = isNew || isParallel ? .parallel : .sequential
            return model
        },
        ggufConfiguration: { gguf in
            var model = try gguf.decoder(
                "falcon", normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon")),
                activation: .geluErf, isGated: false)
            model.block = .parallel
            return model
        },
        huggingFaceNames: { tensors in
            TensorNames(
                embedding: "transformer.word_embeddings", positionEmbedding: nil, finalNorm: "transformer.ln_f",
                output: "lm_head", ignored: [".rotary_emb.inv_freq"],
                layer: { index in
                    let prefix = "transformer.h.\(index)."
                    let hasTwo = tensors.info(named: prefix + "ln_mlp.weight") != nil
                    let hasPost = tensors.info(named: prefix + "post_attention_layernorm.weight") != nil
                    return TensorNames.Layer(
                        attentionNorm: prefix + (hasTwo ? "ln_attn" : "input_layernorm"),
                        queryKeyValue: [prefix + "self_attention.query_key_value"], fusedOrder: .byKVHead,
                        attentionOutput: prefix + "self_attention.dense",
                        feedForwardNorm: hasTwo
                            ? prefix + "ln_mlp" : hasPost ? prefix + "post_attention_layernorm" : nil,
                        gate: nil, up: prefix + "mlp.dense_h_to_4h", down: prefix + "mlp.dense_4h_to_h")
                })
        },
        ggufNames: { tensors in
            TensorNames.gguf(fused: true, gated: false, parallel: true).changingLayers { layer, index in
                // The feed-forward's norm comes first where there are two.
                let second = ["blk.\(index).attn_norm_2.weight", "transformer.h.\(index).ln_mlp.weight"]
                guard second.contains(where: { tensors.info(named: $0) != nil }) else { return }
                layer.attentionNorm = "blk.\(index).attn_norm_2"
                layer.feedForwardNorm = "blk.\(index).attn_norm"
            }
        },
        ggufName: "falcon")
}
