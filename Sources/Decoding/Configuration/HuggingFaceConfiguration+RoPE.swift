internal import Glibc

/// RoPE as config.json spells it: `rope_parameters` since transformers 5, `rope_theta` and `rope_scaling` before.
extension HuggingFaceConfiguration {
    /// The embedding of all layers, or of those of `layerType` where the parameters are given by type.
    func rotaryEmbedding(
        headDim: Int, defaultTheta: Float = 10_000, thetaField: String = "rope_theta",
        partialField: String = "partial_rotary_factor", defaultPartial: Float = 1, layerType: String? = nil
    ) throws(ModelError) -> RotaryEmbedding {
        var parameters = has("rope_parameters") ? try object("rope_parameters") : nil
        if parameters == nil, has("rope_scaling") { parameters = try object("rope_scaling") }
        if let layerType, let given = parameters, given.has(layerType) { parameters = try given.object(layerType) }
        var theta = try number(thetaField, default: defaultTheta)
        if let given = try parameters?.numberIfPresent("rope_theta") { theta = given }
        var partial = try number(partialField, default: defaultPartial)
        if let given = try parameters?.numberIfPresent("partial_rotary_factor") { partial = given }
        return RotaryEmbedding(
            dimension: Int(Float(headDim) * partial), theta: Double(theta), interleaved: false,
            scaling: try parameters.map { (given) throws(ModelError) in try scaling(given) } ?? .none)
    }

    private func scaling(_ parameters: HuggingFaceConfiguration) throws(ModelError) -> RotaryEmbedding.Scaling {
        let kindField = parameters.has("rope_type") ? "rope_type" : "type"
        switch try parameters.textIfPresent(kindField) ?? "default" {
        case "default": return .none
        case "linear": return .linear(factor: Double(try parameters.number("factor")))
        case "dynamic":
            return .dynamic(
                factor: Double(try parameters.number("factor")), originalContext: try count("max_position_embeddings"))
        case "llama3":
            return .llama3(
                factor: Double(try parameters.number("factor")), low: Double(try parameters.number("low_freq_factor")),
                high: Double(try parameters.number("high_freq_factor")), originalContext: try original(parameters))
        case "yarn" where parameters.has("long_factor"), "su", "longrope": return try longRoPE(parameters)
        case "yarn": return .yarn(try yarn(parameters))
        default: throw parameters.unsupported(kindField, wanted: "default, linear, dynamic, llama3, yarn, longrope")
        }
    }

    /// Context of training: the model's own field goes before that of the parameters.
    private func original(_ parameters: HuggingFaceConfiguration) throws(ModelError) -> Int {
        let name = "original_max_position_embeddings"
        if let original = try countIfPresent(name) { return original }
        if let original = try parameters.countIfPresent(name) { return original }
        return try count("max_position_embeddings")
    }

    private func factor(_ parameters: HuggingFaceConfiguration, original: Int) throws(ModelError) -> Double {
        if let factor = try parameters.numberIfPresent("factor") { return Double(factor) }
        return Double(try count("max_position_embeddings")) / Double(original)
    }

    private func yarn(_ parameters: HuggingFaceConfiguration) throws(ModelError) -> RotaryEmbedding.YaRN {
        let original = try original(parameters)
        let factor = try factor(parameters, original: original)
        var magnitude = try parameters.numberIfPresent("attention_factor").map(Double.init)
        if magnitude == nil, let scale = try parameters.numberIfPresent("mscale"),
            let all = try parameters.numberIfPresent("mscale_all_dim")
        {
            magnitude =
                RotaryEmbedding.YaRN.magnitude(factor: factor, scale: Double(scale))
                / RotaryEmbedding.YaRN.magnitude(factor: factor, scale: Double(all))
        }
        return RotaryEmbedding.YaRN(
            factor: factor, originalContext: original,
            betaFast: Double(try parameters.number("beta_fast", default: 32)),
            betaSlow: Double(try parameters.number("beta_slow", default: 1)), magnitude: magnitude,
            isTruncated: try parameters.flag("truncate", default: true))
    }

    private func longRoPE(_ parameters: HuggingFaceConfiguration) throws(ModelError) -> RotaryEmbedding.Scaling {
        let original = try original(parameters)
        let factor = try factor(parameters, original: original)
        let standard = factor <= 1 ? 1 : (1 + log(factor) / log(Double(original))).squareRoot()
        guard let short = try parameters.numbersIfPresent("short_factor"),
            let long = try parameters.numbersIfPresent("long_factor")
        else { throw .missingField(file: file, field: "rope_scaling.short_factor, rope_scaling.long_factor") }
        return .longRoPE(
            short: short, long: long, originalContext: original,
            magnitude: try parameters.numberIfPresent("attention_factor").map(Double.init) ?? standard)
    }
}
