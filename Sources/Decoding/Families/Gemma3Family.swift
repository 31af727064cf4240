extension ModelFamily {
    /// The text model of Gemma 3 (Gemma Team, arXiv 2503.19786): as Gemma 2 without soft caps, norms over the heads of
    /// queries and keys, five layers with a window for one without, and a RoPE of its own for each kind.
    static let gemma3 = ModelFamily(
        name: "gemma3", huggingFaceTypes: ["gemma3_text"], ggufArchitectures: ["gemma3"],
        huggingFaceConfiguration: { config in
            var model = try config.gatedDecoder("gemma3", headDim: 256, activation: "gelu_pytorch_tanh")
            try config.require("use_bidirectional_attention", is: false)
            try config.requireNull("attn_logit_softcapping")
            model.finalSoftCap = try config.numberIfPresent("final_logit_softcapping")
            model.attentionScale = 1 / (try config.number("query_pre_attn_scalar", default: 256)).squareRoot()
            model.embeddingScale = Float(model.hiddenSize).squareRoot()
            model.queryKeyNorm = .head
            let pattern = try config.count("sliding_window_pattern", default: 6)
            let sliding = try config.slidingLayers(model.layerCount) { ($0 + 1) % pattern != 0 }
            let window = try config.countIfPresent("sliding_window")
            let global = try config.rotaryEmbedding(
                headDim: model.headDim, defaultTheta: 1_000_000, layerType: "full_attention")
            var local = try config.rotaryEmbedding(
                headDim: model.headDim, thetaField: "rope_local_base_freq", layerType: "sliding_attention")
            if !config.has("rope_parameters") {
                local.scaling = .none
                local.theta = Double(try config.number("rope_local_base_freq", default: 10_000))
            }
            for (index, isSliding) in sliding.enumerated() {
                model.layers[index] = .init(
                    positions: .rope(isSliding ? local : global), window: isSliding ? window : nil)
            }
            return model
        },
        ggufConfiguration: { gguf in
            var model = try gguf.gatedDecoder("gemma3", activation: .geluTanh)
            model.finalSoftCap = try gguf.numberIfSet("final_logit_softcapping")
            // The 27B model scales by its hidden size; the file does not say so.
            if model.layerCount == 62 {
                model.attentionScale = 1 / Float(model.hiddenSize / model.queryHeads).squareRoot()
            }
            model.embeddingScale = Float(model.hiddenSize).squareRoot()
            model.queryKeyNorm = .head
            let pattern = try gguf.countIfSet("attention.sliding_window_pattern") ?? 6
            let windows = try gguf.windows(model.layerCount) { ($0 + 1) % pattern != 0 }
            let local = RotaryEmbedding(
                dimension: model.headDim, theta: Double(try gguf.number("rope.freq_base_swa", default: 10_000)),
                interleaved: false)
            for index in model.layers.indices where windows[index] != nil {
                model.layers[index].positions = .rope(local)
            }
            return model.with(windows: windows)
        },
        huggingFaceNames: { _ in .huggingFace.withGemmaNorms().withHeadNorms() },
        ggufNames: { _ in .gguf(fused: false, gated: true).withPostNorms().withQueryKeyNorms() },
        ggufName: "gemma3")
}
