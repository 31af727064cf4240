internal import Generation

/// Temperature, filters and the draw, on logits that are neither NaN nor +infinity.
extension SamplingBuffers {
    /// Steps 4 to 8 of `Sampler`. `best` is the token with the largest logit, which is finite; `uniform` is in 0..<1.
    mutating func draw(best: TokenID, parameters: SamplingParameters, uniform: Double) -> TokenID {
        let scale = TemperatureScale(largest: logits[Int(best)], temperature: parameters.temperature)
        if parameters.topK > 0 && parameters.topK < logits.count {
            rank(parameters.topK)
            if parameters.topP < 1 { keepNucleus(parameters.topP, scale) }
            return drawRanked(scale, minP: parameters.minP, uniform) ?? best
        }
        let total = weigh(scale)
        if parameters.topP < 1 {
            rankNucleus(parameters.topP, total: total)
            return drawRanked(scale, minP: parameters.minP, uniform) ?? best
        }
        return drawWeighed(total: total, minP: parameters.minP, uniform) ?? best
    }

    /// Puts the `count` best tokens into `ranked`.
    mutating func rank(_ count: Int) {
        heap.removeAll()
        for index in logits.indices where logits[index] > -.infinity {
            heap.append(Candidate(logit: logits[index], token: TokenID(index)))
        }
        heap.build()
        ranked.removeAll(keepingCapacity: true)
        while ranked.count < count, let candidate = heap.popBest() { ranked.append(candidate) }
    }

    /// Fills `weights` and returns their sum, in order of ids.
    private mutating func weigh(_ scale: TemperatureScale) -> Double {
        weights.removeAll(keepingCapacity: true)
        weights.reserveCapacity(logits.count)
        var total = 0.0
        for index in logits.indices {
            let weight = scale.weight(logits[index])
            weights.append(weight)
            total += weight
        }
        return total
    }

    /// Cuts `ranked` to the fewest that reach `topP` of its mass; at least one.
    private mutating func keepNucleus(_ topP: Double, _ scale: TemperatureScale) {
        let target = topP * ranked.reduce(0) { $0 + scale.weight($1.logit) }
        var mass = 0.0
        for place in ranked.indices {
            mass += scale.weight(ranked[place].logit)
            if mass >= target {
                ranked.removeLast(ranked.count - place - 1)
                return
            }
        }
    }

    /// Puts the fewest best tokens that reach `topP` of `total` into `ranked`; at least one.
    ///
    /// Tokens below `(1 - topP) * total / vocabulary` hold together less than `1 - topP` of the mass, so the others
    /// reach `topP` without them: only those others are ranked.
    private mutating func rankNucleus(_ topP: Double, total: Double) {
        let least = (1 - topP) * total / Double(weights.count)
        heap.removeAll()
        for index in weights.indices where weights[index] >= least && weights[index] > 0 {
            heap.append(Candidate(logit: logits[index], token: TokenID(index)))
        }
        heap.build()
        ranked.removeAll(keepingCapacity: true)
        var mass = 0.0
        while let candidate = heap.popBest() {
            ranked.append(candidate)
            mass += weights[Int(candidate.token)]
            if mass >= topP * total { return }
        }
    }

    /// Draws among `ranked`, walking from the best down; the weights there fall, so `minP` ends the walk.
    private func drawRanked(_ scale: TemperatureScale, minP: Double, _ uniform: Double) -> TokenID? {
        var kept = 0
        var total = 0.0
        for candidate in ranked {
            let weight = scale.weight(candidate.logit)
            if weight < minP { break }
            total += weight
            kept += 1
        }
        var mass = 0.0
        for candidate in ranked.prefix(kept) {
            mass += scale.weight(candidate.logit)
            if mass > uniform * total { return candidate.token }
        }
        return ranked.prefix(kept).last?.token
    }

    /// Draws among all tokens, walking from id 0 up.
    private func drawWeighed(total: Double, minP: Double, _ uniform: Double) -> TokenID? {
        var kept = total
        if minP > 0 {
            kept = 0
            for weight in weights where weight >= minP { kept += weight }
        }
        var mass = 0.0
        var last: TokenID?
        for index in weights.indices where weights[index] > 0 && weights[index] >= minP {
            mass += weights[index]
            last = TokenID(index)
            if mass > uniform * kept { return last }
        }
        return last
    }
}

/// Probabilities relative to the most probable token: e^((logit - largest) / temperature), 1 for the best. A token e^50
/// times less probable than the best has none.
struct TemperatureScale {
    private let largest: Double
    private let temperature: Double

    init(largest: Float, temperature: Double) {
        self.largest = Double(largest)
        self.temperature = temperature
    }

    func weight(_ logit: Float) -> Double {
        Exponential.ofNonPositive((Double(logit) - largest) / temperature)
    }
}
