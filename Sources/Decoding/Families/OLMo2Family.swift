extension ModelFamily {
    /// OLMo 2 (OLMo Team, arXiv 2501.00656): Llama with its norms behind attention and feed-forward only, and norms
    /// over all heads of queries and of keys.
    static let olmo2 = ModelFamily(
        name: "olmo2", huggingFaceTypes: ["olmo2"], ggufArchitectures: ["olmo2"],
        huggingFaceConfiguration: { config in
            var model = try config.gatedDecoder("olmo2")
            try config.requireNull("clip_qkv")
            model.queryKeyNorm = .projection
            return model
        },
        ggufConfiguration: { gguf in
            var model = try gguf.gatedDecoder("olmo2")
            try gguf.requireZero("attention.sliding_window", meaning: "OLMo 3's windows")
            model.queryKeyNorm = .projection
            return model
        },
        huggingFaceNames: { _ in
            TensorNames.huggingFace.withHeadNorms().changingLayers { layer, index in
                let prefix = "model.layers.\(index)."
                layer.attentionNorm = nil
                layer.attentionPostNorm = prefix + "post_attention_layernorm"
                layer.feedForwardNorm = nil
                layer.feedForwardPostNorm = prefix + "post_feedforward_layernorm"
            }
        },
        ggufNames: { _ in
            TensorNames.gguf(fused: false, gated: true).withQueryKeyNorms().withPostNorms().changingLayers { layer, _ in
                layer.attentionNorm = nil
                layer.feedForwardNorm = nil
            }
        },
        ggufName: "olmo2")
}
