/// What many families' config.json spell alike.
extension HuggingFaceConfiguration {
    /// A decoder of Llama's line: RMSNorm, RoPE, gated feed-forward, every layer alike.
    /// The defaults are those of the family where config.json leaves a field out.
    func gatedDecoder(
        _ family: String, headDim standard: Int? = nil, activation: String = "silu", theta: Float = 10_000
    ) throws(ModelError) -> ModelConfiguration {
        try requireNull("quantization_config")
        let (hidden, heads) = (try count("hidden_size"), try count("num_attention_heads"))
        let headDim = try count("head_dim", default: standard ?? hidden / heads)
        let activationName = has("hidden_activation") ? "hidden_activation" : "hidden_act"
        let rope = try rotaryEmbedding(headDim: headDim, defaultTheta: theta)
        return ModelConfiguration(
            family: family, vocabularySize: try count("vocab_size"),
            contextLength: try count("max_position_embeddings", default: 2048), hiddenSize: hidden, queryHeads: heads,
            kvHeads: try count("num_key_value_heads", default: heads), headDim: headDim,
            normalization: .rms(epsilon: try number("rms_norm_eps", default: 1e-6)),
            feedForward: .init(
                size: try count("intermediate_size"),
                activation: try self.activation(activationName, default: activation, isGated: true), isGated: true),
            layers: Array(repeating: .init(positions: .rope(rope)), count: try layerCount()))
    }

    func layerCount(_ name: String = "num_hidden_layers") throws(ModelError) -> Int {
        let layers = try count(name)
        guard layers <= 4096 else {
            throw .wrongField(file: file, field: name, found: "\(layers)", wanted: "at most 4096")
        }
        return layers
    }

    /// By layer whether `layer_types` gives it the sliding window, or what `otherwise` says where there is no such
    /// list.
    func slidingLayers(_ count: Int, otherwise: (Int) -> Bool) throws(ModelError) -> [Bool] {
        guard let types = try textsIfPresent("layer_types") else { return (0..<count).map(otherwise) }
        guard types.count == count, types.allSatisfy({ $0 == "sliding_attention" || $0 == "full_attention" }) else {
            throw unsupported("layer_types", wanted: "sliding_attention or full_attention for each of \(count) layers")
        }
        return types.map { $0 == "sliding_attention" }
    }

    /// Qwen's rule: `sliding_window` counts where `use_sliding_window` is set, from layer `max_window_layers` on.
    func optionalWindows(_ count: Int) throws(ModelError) -> [Int?] {
        guard try flag("use_sliding_window", default: false), let window = try countIfPresent("sliding_window") else {
            return Array(repeating: nil, count: count)
        }
        let first = has("max_window_layers") ? try self.count("max_window_layers") : 28
        return try slidingLayers(count) { $0 >= first }.map { $0 ? window : nil }
    }
}

extension ModelConfiguration {
    /// With these windows, one for each layer.
    func with(windows: [Int?]) -> ModelConfiguration {
        var changed = self
        for (index, window) in windows.enumerated() { changed.layers[index].window = window }
        return changed
    }
}
