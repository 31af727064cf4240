internal import ModelFiles

/// What GGUF spells alike for many families.
extension GGUFConfiguration {
    /// A decoder of Llama's line: RMSNorm, RoPE, gated feed-forward, every layer alike.
    func gatedDecoder(
        _ family: String, activation: ModelConfiguration.Activation = .silu, interleaved: Bool = false
    ) throws -> ModelConfiguration {
        let epsilon = try number("attention.layer_norm_rms_epsilon")
        return try decoder(
            family, normalization: .rms(epsilon: epsilon), activation: activation, isGated: true,
            interleaved: interleaved)
    }

    /// A decoder with RoPE, every layer alike.
    func decoder(
        _ family: String, normalization: ModelConfiguration.Normalization, activation: ModelConfiguration.Activation,
        isGated: Bool, interleaved: Bool = false
    ) throws -> ModelConfiguration {
        let (hidden, heads) = (try count("embedding_length"), try count("attention.head_count"))
        let headDim = try count("attention.key_length", default: hidden / heads)
        guard try count("attention.value_length", default: headDim) == headDim else {
            throw unsupported("attention.value_length", found: "another length than key_length", wanted: "the same")
        }
        let rope = try rotaryEmbedding(headDim: headDim, interleaved: interleaved)
        return ModelConfiguration(
            family: family, vocabularySize: try vocabularySize(), contextLength: try count("context_length"),
            hiddenSize: hidden, queryHeads: heads, kvHeads: try count("attention.head_count_kv", default: heads),
            headDim: headDim, normalization: normalization,
            feedForward: .init(size: try count("feed_forward_length"), activation: activation, isGated: isGated),
            layers: Array(repeating: .init(positions: .rope(rope)), count: try layerCount()))
    }

    func layerCount() throws -> Int {
        let layers = try count("block_count")
        guard layers <= 4096 else {
            throw unsupported("block_count", found: "\(layers)", wanted: "at most 4096")
        }
        return layers
    }

    /// The embedding of all layers but those with a base of their own.
    func rotaryEmbedding(headDim: Int, interleaved: Bool) throws -> RotaryEmbedding {
        RotaryEmbedding(
            dimension: try count("rope.dimension_count", default: headDim),
            theta: Double(try number("rope.freq_base", default: 10_000)), interleaved: interleaved,
            scaling: try ropeScaling())
    }

    private func ropeScaling() throws -> RotaryEmbedding.Scaling {
        if let divisors = try numbers(ofTensor: "rope_freqs.weight") { return .divided(divisors) }
        if let long = try numbers(ofTensor: "rope_factors_long.weight"),
            let short = try numbers(ofTensor: "rope_factors_short.weight")
        {
            return .longRoPE(
                short: short, long: long, originalContext: try count("rope.scaling.original_context_length"),
                magnitude: Double(try numberIfSet("rope.scaling.attn_factor") ?? 1))
        }
        // Files from before `rope.scaling.type` have the factor of linear scaling alone.
        if let factor = try numberIfSet("rope.scale_linear") {
            return factor == 1 ? .none : .linear(factor: Double(factor))
        }
        let factor = Double(try numberIfSet("rope.scaling.factor") ?? 1)
        switch try text("rope.scaling.type", default: "none") {
        case "none": return .none
        case "linear": return factor == 1 ? .none : .linear(factor: factor)
        case "yarn":
            try requireZero("rope.scaling.yarn_log_multiplier", meaning: "a magnitude of its own")
            return .yarn(
                RotaryEmbedding.YaRN(
                    factor: factor, originalContext: try count("rope.scaling.original_context_length"),
                    betaFast: Double(try number("rope.scaling.yarn_beta_fast", default: 32)),
                    betaSlow: Double(try number("rope.scaling.yarn_beta_slow", default: 1)),
                    magnitude: RotaryEmbedding.YaRN.magnitude(factor: factor)
                        * Double(try number("rope.scaling.attn_factor", default: 1))))
        case let other: throw unsupported("rope.scaling.type", found: other, wanted: "none, linear, yarn")
        }
    }

    /// The window of the layers that have one; `isSliding` says which.
    func windows(_ count: Int, where isSliding: (Int) -> Bool) throws -> [Int?] {
        let window = try countIfSet("attention.sliding_window")
        return (0..<count).map { isSliding($0) ? window : nil }
    }
}
