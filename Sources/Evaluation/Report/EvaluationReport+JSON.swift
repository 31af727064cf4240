internal import JSON

extension EvaluationReport {
    /// Settings, inputs, and every point with its estimates and raw values.
    func resultsJSON() -> [UInt8] {
        var object = JSONObject()
        object["schema"] = 1
        object["model"] = .string(modelName)
        object["run"] = .string(run)
        object["settings"] = settingsJSON
        var inputs = JSONObject()
        for suite in settings.suites {
            guard let traits = traits[suite], !traits.isEmpty else { continue }
            var named = JSONObject()
            for (name, values) in traits.sorted(by: { $0.key < $1.key }) {
                named[name] = .array(values.map { .integer($0) })
            }
            inputs[suite.rawValue] = .object(named)
        }
        object["inputs"] = .object(inputs)
        object["points"] = .array(points.map(pointJSON))
        return JSONValue.object(object).serialized() + [UInt8(ascii: "\n")]
    }

    private var settingsJSON: JSONValue {
        var object = JSONObject()
        object["baseline"] = .string(settings.baseline.label)
        object["seed"] = .string("\(settings.seed)")
        object["context_tokens"] = .integer(settings.contextTokens)
        object["continuation_tokens"] = .integer(settings.continuationTokens)
        object["prose_texts"] = .integer(settings.proseTexts)
        object["recall_texts"] = .integer(settings.recallTexts)
        object["gather_texts"] = .integer(settings.gatherTexts)
        object["fact_counts"] = .array(settings.factCounts.map { .integer($0) })
        object["gather_facts"] = .integer(settings.gatherFacts)
        object["code_digits"] = .integer(settings.codeDigits)
        object["resamples"] = .integer(settings.resamples)
        return .object(object)
    }

    private func pointJSON(_ point: EvaluationPoint) -> JSONValue {
        guard var object = point.json.asObject,
            let variant = settings.variants.first(where: { $0.label == point.policy })
        else { return .null }
        object["run"] = nil
        var estimates = JSONObject()
        for measure in point.suite.measures {
            guard let cell = cell(point.suite, measure, variant, point.budget) else { continue }
            var entry = estimateJSON(cell.estimate)
            if let gain = cell.gain {
                entry["gain_over_baseline"] = .array([.real(gain.low), .real(gain.mean), .real(gain.high)])
                entry["beats_baseline"] = .bool(gain.low > 0)
            }
            estimates[measure == .perplexity ? "perplexity" : measure.rawValue] = .object(entry)
        }
        object["estimates"] = .object(estimates)
        let groups = groups(of: point.suite).compactMap { groupJSON(point, variant, $0) }
        if !groups.isEmpty { object["groups"] = .array(groups) }
        return .object(object)
    }

    /// A group's range, size and estimates; nil where no input is in it.
    private func groupJSON(
        _ point: EvaluationPoint, _ variant: PolicyVariant, _ group: TraitGroup
    ) -> JSONValue? {
        var object = JSONObject()
        object["trait"] = .string(group.trait)
        object["from"] = .integer(group.range.lowerBound)
        object["to"] = .integer(group.range.upperBound)
        object["inputs"] = .integer(traits[point.suite]?[group.trait]?.count { group.range.contains($0) } ?? 0)
        for measure in point.suite.measures {
            guard let estimate = mean(point.suite, measure, variant, point.budget, group) else { return nil }
            object[measure.rawValue] = .object(estimateJSON(estimate))
        }
        return .object(object)
    }

    private func estimateJSON(_ estimate: Estimate) -> JSONObject {
        var entry = JSONObject()
        entry["mean"] = .real(estimate.mean)
        entry["low"] = .real(estimate.low)
        entry["high"] = .real(estimate.high)
        return entry
    }
}
