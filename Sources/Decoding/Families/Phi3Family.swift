extension ModelFamily {
    /// Phi-3 and 3.5 (Abdin et al., arXiv 2404.14219): Llama with fused matrices, LongRoPE and, in some
    /// sizes, a window.
    static let phi3 = ModelFamily(
        name: "phi3", huggingFaceTypes: ["phi3"], ggufArchitectures: ["phi3"],
        huggingFaceConfiguration: { config in
            let model = try config.gatedDecoder("phi3")
            let window = try config.countIfPresent("sliding_window")
            return model.with(windows: Array(repeating: window, count: model.layerCount))
        },
        ggufConfiguration: { gguf in
            let model = try gguf.gatedDecoder("phi3")
            return model.with(windows: try gguf.windows(model.layerCount) { _ in true })
        },
        huggingFaceNames: { _ in
            TensorNames.huggingFace.changingLayers { layer, index in
                let prefix = "model.layers.\(index)."
                layer.queryKeyValue = [prefix + "self_attn.qkv_proj"]
                layer.gate = prefix + "mlp.gate_up_proj"
                layer.up = prefix + "mlp.gate_up_proj"
            }
        },
        ggufNames: { _ in
            TensorNames.gguf(fused: true, gated: true).changingLayers { layer, _ in layer.gate = layer.up }
        },
        ggufName: "phi3")
}
