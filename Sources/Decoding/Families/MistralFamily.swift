extension ModelFamily {
    /// Mistral (Jiang et al., arXiv 2310.06825): Llama with a sliding window in every layer. GGUF calls it llama.
    static let mistral = ModelFamily(
        name: "mistral", huggingFaceTypes: ["mistral"], ggufArchitectures: [],
        huggingFaceConfiguration: { config in
            let model = try config.gatedDecoder("mistral")
            let window = try config.countIfPresent("sliding_window")
            let sliding = try config.slidingLayers(model.layerCount) { _ in true }
            return model.with(windows: sliding.map { $0 ? window : nil })
        },
        ggufConfiguration: { gguf in try gguf.gatedDecoder("mistral", interleaved: true) },
        huggingFaceNames: { _ in .huggingFace },
        ggufNames: { _ in .gguf(fused: false, gated: true) },
        ggufName: "llama", ggufPairsNeighbours: true)
}
