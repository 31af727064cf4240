import Generation

extension SamplingParameters {
    /// Parameters that differ from the defaults in what is named.
    static func with(
        temperature: Double = 1, topK: Int = 0, topP: Double = 1, minP: Double = 0, presence: Double = 0,
        frequency: Double = 0, repetition: Double = 1, bias: [TokenID: Double] = [:], seed: UInt64 = 0
    ) -> SamplingParameters {
        var parameters = SamplingParameters()
        (parameters.temperature, parameters.topK) = (temperature, topK)
        (parameters.topP, parameters.minP) = (topP, minP)
        (parameters.presencePenalty, parameters.frequencyPenalty) = (presence, frequency)
        (parameters.repetitionPenalty, parameters.logitBias) = (repetition, bias)
        parameters.seed = seed
        return parameters
    }
}
