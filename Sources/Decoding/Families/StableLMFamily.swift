internal import ModelFiles

extension ModelFamily {
    /// StableLM 3B and 2 (Bellagente et al., arXiv 2402.17834): LayerNorm, RoPE on a part of the head, SwiGLU; the 12B
    /// model's block is parallel with a norm for each head of queries and keys.
    static let stableLM = ModelFamily(
        name: "stablelm", huggingFaceTypes: ["stablelm", "stablelm_epoch"], ggufArchitectures: ["stablelm"],
        huggingFaceConfiguration: { config in
            try config.requireNull("quantization_config")
            let (hidden, heads) = (try config.count("hidden_size"), try config.count("num_attention_heads"))
            let rope = try config.rotaryEmbedding(
                headDim: hidden / heads, partialField: config.has("rope_pct") ? "rope_pct" : "partial_rotary_factor",
                defaultPartial: 0.25)
            var model = ModelConfiguration(
                family: "stablelm", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("max_position_embeddings", default: 4096), hiddenSize: hidden,
                queryHeads: heads, kvHeads: try config.count("num_key_value_heads", default: heads),
                headDim: hidden / heads,
                normalization: .layer(epsilon: try config.number("layer_norm_eps", default: 1e-5)),
                feedForward: .init(
                    size: try config.count("intermediate_size"),
                    activation: try config.activation("hidden_act", default: "silu", isGated: true), isGated: true),
                layers: Array(repeating: .init(positions: .rope(rope)), count: try config.layerCount()))
            model.block = try config.flag("use_parallel_residual", default: false) ? .parallel : .sequential
            model.queryKeyNorm = try config.flag("qk_layernorm", default: false) ? .head : nil
            return model
        },
        ggufConfiguration: { gguf in
            var model = try gguf.decoder(
                "stablelm", normalization: .layer(epsilon: try gguf.number("attention.layer_norm_epsilon")),
                activation: .silu, isGated: true)
            model.queryKeyNorm = gguf.tensors.info(named: "blk.0.attn_q_norm.weight") == nil ? nil : .head
            model.block = gguf.tensors.info(named: "blk.0.ffn_norm.weight") == nil ? .parallel : .sequential
            return model
        },
        huggingFaceNames: { tensors in
            TensorNames.huggingFace.changingLayers { layer, index in
                let prefix = "model.layers.\(index)."
                if tensors.info(named: prefix + "post_attention_layernorm.weight") == nil {
                    layer.feedForwardNorm = nil
                }
                func norms(_ kind: String) -> [String] {
                    let prefix = prefix + "self_attn.\(kind)_layernorm.norms."
                    return (0..<tensors.count).lazy.map { prefix + "\($0)" }
                        .prefix { tensors.info(named: $0 + ".weight") != nil }.map { $0 }
                }
                layer.queryNorm = norms("q")
                layer.keyNorm = norms("k")
            }
        },
        ggufNames: { tensors in
            TensorNames.gguf(fused: false, gated: true).withQueryKeyNorms().changingLayers { layer, index in
                let second = [
                    "blk.\(index).ffn_norm.weight", "model.layers.\(index).post_attention_layernorm.weight",
                ]
                if !second.contains(where: { tensors.info(named: $0) != nil }) { layer.feedForwardNorm = nil }
            }
        },
        ggufName: "stablelm")
}
