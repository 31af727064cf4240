extension ModelFamily {
    /// Gemma 2 (Gemma Team, arXiv 2408.00118): soft caps, windows in every second layer, norms before and behind
    /// attention and feed-forward, scaled embeddings, GeGLU.
    static let gemma2 = ModelFamily(
        name: "gemma2", huggingFaceTypes: ["gemma2"], ggufArchitectures: ["gemma2"],
        huggingFaceConfiguration: { config in
            var model = try config.gatedDecoder("gemma2", headDim: 256, activation: "gelu_pytorch_tanh")
            try config.require("use_bidirectional_attention", is: false)
            model.attentionSoftCap = try config.numberIfPresent("attn_logit_softcapping")
            model.finalSoftCap = try config.numberIfPresent("final_logit_softcapping")
            model.attentionScale = 1 / (try config.number("query_pre_attn_scalar", default: 256)).squareRoot()
            model.embeddingScale = Float(model.hiddenSize).squareRoot()
            let window = try config.countIfPresent("sliding_window")
            let sliding = try config.slidingLayers(model.layerCount) { $0 % 2 == 0 }
            return model.with(windows: sliding.map { $0 ? window : nil })
        },
        ggufConfiguration: { gguf in
            var model = try gguf.gatedDecoder("gemma2", activation: .geluTanh)
            model.attentionSoftCap = try gguf.number("attn_logit_softcapping", default: 50)
            model.finalSoftCap = try gguf.number("final_logit_softcapping", default: 30)
            // The 27B model scales by its hidden size; the file does not say so.
            if model.layerCount == 46 {
                model.attentionScale = 1 / Float(model.hiddenSize / model.queryHeads).squareRoot()
            }
            model.embeddingScale = Float(model.hiddenSize).squareRoot()
            return model.with(windows: try gguf.windows(model.layerCount) { $0 % 2 == 0 })
        },
        huggingFaceNames: { _ in .huggingFace.withGemmaNorms() },
        ggufNames: { _ in .gguf(fused: false, gated: true).withPostNorms() },
        ggufName: "gemma2")
}

extension TensorNames {
    /// Gemma's four norms in a layer, stored as w of (1 + w).
    func withGemmaNorms() -> TensorNames {
        var names = changingLayers { layer, index in
            let prefix = "model.layers.\(index)."
            layer.attentionPostNorm = prefix + "post_attention_layernorm"
            layer.feedForwardNorm = prefix + "pre_feedforward_layernorm"
            layer.feedForwardPostNorm = prefix + "post_feedforward_layernorm"
        }
        names.normOffset = 1
        return names
    }
}
