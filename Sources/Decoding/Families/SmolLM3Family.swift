extension ModelFamily {
    /// SmolLM 3 (Hugging Face, 2025): Llama whose every fourth layer has no positions. SmolLM 2 is llama.
    static let smollm3 = ModelFamily(
        name: "smollm3", huggingFaceTypes: ["smollm3"], ggufArchitectures: ["smollm3"],
        huggingFaceConfiguration: { config in
            var model = try config.gatedDecoder("smollm3", theta: 2_000_000)
            let rope = try config.rotaryEmbedding(headDim: model.headDim, defaultTheta: 2_000_000)
            let interval = try config.count("no_rope_layer_interval", default: 4)
            let flags = try config.numbersIfPresent("no_rope_layers")
            if let flags, flags.count < model.layerCount {
                throw config.unsupported("no_rope_layers", wanted: "a number for each of \(model.layerCount) layers")
            }
            let slides = try config.flag("use_sliding_window", default: false)
            let window = slides ? try config.countIfPresent("sliding_window") : nil
            // 1 stands for a layer with RoPE.
            let rotates = model.layers.indices.map { index in
                flags.map { $0[index] != 0 } ?? ((index + 1) % interval != 0)
            }
            let sliding = try config.slidingLayers(model.layerCount) { !rotates[$0] }
            for index in model.layers.indices {
                model.layers[index] = .init(
                    positions: rotates[index] ? .rope(rope) : .none, window: sliding[index] ? window : nil)
            }
            return model
        },
        ggufConfiguration: { gguf in
            var model = try gguf.gatedDecoder("smollm3", interleaved: true)
            for index in model.layers.indices where (index + 1) % 4 == 0 { model.layers[index].positions = .none }
            return model
        },
        huggingFaceNames: { _ in .huggingFace },
        ggufNames: { _ in .gguf(fused: false, gated: true) },
        ggufName: "smollm3", ggufPairsNeighbours: true)
}
