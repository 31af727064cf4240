internal import Foundation
internal import JSON

/// The finished points of a run and what follows from them.
public struct EvaluationReport: Sendable {
    public let modelName: String
    public let settings: EvaluationSettings
    let run: String
    public let points: [EvaluationPoint]
    /// What the inputs of a suite are like, one value per input, by name.
    let traits: [SuiteKind: [String: [Int]]]

    /// One measure of one point with its interval and its place beside the baseline.
    struct Cell: Sendable, Equatable {
        let estimate: Estimate
        /// How much better than the baseline on the same inputs; above 0 is better, in the measure's stored unit.
        let gain: Estimate?

        /// The paired interval lies wholly on the better side. Nil where there is nothing to compare: the baseline
        /// itself, and 100 %, where all are the full cache.
        var beatsBaseline: Bool? { gain.map { $0.low > 0 } }
    }

    func point(_ suite: SuiteKind, _ policy: String, _ budget: BudgetShare) -> EvaluationPoint? {
        points.first { $0.suite == suite && $0.policy == policy && $0.budget == budget }
    }

    /// The results as Markdown tables.
    public var table: String { ResultTable(report: self).text }

    private var bootstrap: Bootstrap { Bootstrap(resamples: settings.resamples, seed: settings.seed) }

    /// Nil where the point was not measured.
    func cell(_ suite: SuiteKind, _ measure: Measure, _ variant: PolicyVariant, _ budget: BudgetShare) -> Cell? {
        guard let values = point(suite, variant.label, budget)?.values[measure] else { return nil }
        var gain: Estimate?
        if !settings.isBaseline(variant), budget.millionths < 1_000_000,
            let others = point(suite, settings.baseline.label, budget)?.values[measure], others.count == values.count
        {
            gain =
                measure.isGain ? bootstrap.difference(values, others) : bootstrap.difference(others, values)
        }
        return Cell(estimate: bootstrap.mean(values).mapped(measure.shown), gain: gain)
    }

    /// The mean over the inputs of a group; nil where there are none.
    func mean(
        _ suite: SuiteKind, _ measure: Measure, _ variant: PolicyVariant, _ budget: BudgetShare,
        _ group: TraitGroup
    ) -> Estimate? {
        guard let values = point(suite, variant.label, budget)?.values[measure],
            let traits = traits[suite]?[group.trait],
            traits.count == values.count
        else { return nil }
        let chosen = zip(values, traits).filter { group.range.contains($0.1) }.map(\.0)
        return chosen.isEmpty ? nil : bootstrap.mean(chosen).mapped(measure.shown)
    }

    /// Writes `results.json`, `table.md` and one SVG for each measure; gives back their names.
    public func write(to folder: String) throws(EvaluationError) -> [String] {
        var files = [("results.json", resultsJSON()), ("table.md", Array(table.utf8))]
        for suite in settings.suites {
            for measure in suite.measures {
                let plot = BudgetPlot(report: self, suite: suite, measure: measure)
                files.append(("\(suite.rawValue)-\(measure.rawValue).svg", Array(plot.svg.utf8)))
            }
        }
        for (name, bytes) in files {
            do {
                try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"), options: .atomic)
            } catch {
                throw .unwritable(path: "\(folder)/\(name)", reason: error.localizedDescription)
            }
        }
        return files.map(\.0)
    }
}
