extension ModelFamily {
    /// Qwen 3 with mixtures of feed-forwards in some layers or all.
    static let qwen3MoE = ModelFamily(
        name: "qwen3moe", huggingFaceTypes: ["qwen3_moe"], ggufArchitectures: ["qwen3moe"],
        huggingFaceConfiguration: { config in
            var model = try config.gatedDecoder("qwen3moe")
            model.queryKeyNorm = .head
            let experts = ModelConfiguration.Experts(
                count: try config.count(
                    config.has("num_local_experts") ? "num_local_experts" : "num_experts", default: 128),
                used: try config.count("num_experts_per_tok", default: 8),
                size: try config.count("moe_intermediate_size", default: 768),
                normalizesWeights: try config.flag("norm_topk_prob", default: false))
            let step = try config.count("decoder_sparse_step", default: 1)
            let dense = Set(try config.numbersIfPresent("mlp_only_layers") ?? [])
            for index in model.layers.indices where (index + 1) % step == 0 && !dense.contains(Double(index)) {
                model.layers[index].experts = experts
            }
            return model.with(windows: try config.optionalWindows(model.layerCount))
        },
        ggufConfiguration: { gguf in
            var model = try gguf.gatedDecoder("qwen3moe")
            model.queryKeyNorm = .head
            return try gguf.withExperts(model, normalizesWeights: true)
        },
        huggingFaceNames: { _ in
            TensorNames.huggingFace.withHeadNorms().changingLayers { layer, index in
                let prefix = "model.layers.\(index).mlp."
                layer.experts = TensorNames.Experts(
                    router: prefix + "gate", gate: .each { prefix + "experts.\($0).gate_proj" },
                    up: .each { prefix + "experts.\($0).up_proj" }, down: .each { prefix + "experts.\($0).down_proj" })
            }
        },
        ggufNames: { _ in .gguf(fused: false, gated: true).withQueryKeyNorms().withExperts() },
        ggufName: "qwen3moe")
}
