internal import ModelFiles

extension ModelFamily {
    /// Mixtral (Jiang et al., arXiv 2401.04088): Mistral whose feed-forwards are mixtures. GGUF calls it llama.
    static let mixtral = ModelFamily(
        name: "mixtral", huggingFaceTypes: ["mixtral"], ggufArchitectures: [],
        huggingFaceConfiguration: { config in
            var model = try config.gatedDecoder("mixtral")
            let window = try config.countIfPresent("sliding_window")
            let experts = ModelConfiguration.Experts(
                count: try config.count("num_local_experts", default: 8),
                used: try config.count("num_experts_per_tok", default: 2), size: model.feedForward.size,
                normalizesWeights: true)
            for index in model.layers.indices { model.layers[index].experts = experts }
            return model.with(windows: Array(repeating: window, count: model.layerCount))
        },
        ggufConfiguration: { gguf in try gguf.gatedDecoder("mixtral", interleaved: true) },
        huggingFaceNames: { _ in
            TensorNames.huggingFace.changingLayers { layer, index in
                let prefix = "model.layers.\(index).block_sparse_moe."
                layer.experts = TensorNames.Experts(
                    router: prefix + "gate", gate: .each { prefix + "experts.\($0).w1" },
                    up: .each { prefix + "experts.\($0).w3" }, down: .each { prefix + "experts.\($0).w2" })
            }
        },
        ggufNames: { _ in .gguf(fused: false, gated: true).withExperts() },
        ggufName: "llama", ggufPairsNeighbours: true)
}
