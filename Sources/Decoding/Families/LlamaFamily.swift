extension ModelFamily {
    /// Llama 1 to 3 (Touvron et al., arXiv 2302.13971; Llama Team, arXiv 2407.21783) and models of its shape, such as
    /// SmolLM 2: RMSNorm, RoPE, grouped queries, SwiGLU. GGUF keeps Mistral and Mixtral under the same name.
    static let llama = ModelFamily(
        name: "llama", huggingFaceTypes: ["llama"], ggufArchitectures: ["llama"],
        huggingFaceConfiguration: { config in try config.gatedDecoder("llama") },
        ggufConfiguration: { gguf in
            let model = try gguf.gatedDecoder("llama", interleaved: true)
            let windows = try gguf.windows(model.layerCount) { _ in true }
            return try gguf.withExperts(model.with(windows: windows), normalizesWeights: true)
        },
        huggingFaceNames: { _ in .huggingFace },
        ggufNames: { _ in .gguf(fused: false, gated: true).withExperts() },
        ggufName: "llama", ggufPairsNeighbours: true)
}

extension GGUFConfiguration {
    /// With mixtures in all layers where the file says so.
    func withExperts(_ model: ModelConfiguration, normalizesWeights: Bool) throws -> ModelConfiguration {
        guard let experts = try countIfSet("expert_count") else { return model }
        try requireZero("expert_shared_count", meaning: "experts that every token uses")
        var changed = model
        let size = try countIfSet("expert_feed_forward_length") ?? model.feedForward.size
        let mixture = ModelConfiguration.Experts(
            count: experts, used: try count("expert_used_count"), size: size, normalizesWeights: normalizesWeights)
        for index in changed.layers.indices { changed.layers[index].experts = mixture }
        return changed
    }
}
