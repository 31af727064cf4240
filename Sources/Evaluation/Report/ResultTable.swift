/// The results as Markdown tables that also read well on a terminal.
struct ResultTable {
    let report: EvaluationReport

    private static let mark = "†"

    /// All tables, headings included.
    var text: String {
        var parts = [
            "# What a budget costs: \(report.modelName)",
            "Mean with half the width of its 95 % bootstrap interval. \(Self.mark) marks a policy that does not beat "
                + "`\(report.settings.baseline.label)` on the same inputs (paired 95 % interval). Budgets are percent "
                + "of the full cache's bytes.",
        ]
        for suite in report.settings.suites {
            parts.append("## \(suite.title)")
            for measure in suite.measures { parts.append(budgets(suite, measure)) }
            parts += groupBudgets.compactMap { groups(suite, $0) }
        }
        parts.append("## Cost")
        parts.append(costs)
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func budgets(_ suite: SuiteKind, _ measure: Measure) -> String {
        var rows = [[measure.title] + report.settings.budgets.map { "\($0) %" }]
        for variant in report.settings.variants {
            rows.append(
                [variant.label]
                    + report.settings.budgets.map { budget in
                        guard let cell = report.cell(suite, measure, variant, budget) else { return "" }
                        return Self.show(cell.estimate, measure) + (cell.beatsBaseline == false ? " \(Self.mark)" : "")
                    })
        }
        return Self.table(rows)
    }

    /// The budgets of the tables by distance and number of facts: a half and a quarter, or the middle one.
    private var groupBudgets: [BudgetShare] {
        let budgets = report.settings.budgets
        let usual = budgets.filter { $0.percent == 50 || $0.percent == 25 }
        return usual.isEmpty && !budgets.isEmpty ? [budgets[budgets.count / 2]] : usual
    }

    /// Recall by distance and by number of facts at one budget; nil for suites without these traits.
    private func groups(_ suite: SuiteKind, _ budget: BudgetShare) -> String? {
        let groups = report.groups(of: suite)
        guard !groups.isEmpty else { return nil }
        var rows = [["\(Measure.exact.title) at \(budget) %"] + groups.map(\.title)]
        for variant in report.settings.variants {
            rows.append(
                [variant.label]
                    + groups.map { group in
                        report.mean(suite, .exact, variant, budget, group)
                            .map { Self.show($0, .exact) } ?? ""
                    })
        }
        return Self.table(rows)
    }

    /// Slots and bytes by policy and budget, and how long points took, from the first suite.
    private var costs: String {
        guard let suite = report.settings.suites.first else { return "" }
        var rows = [["slots per head, bytes"] + report.settings.budgets.map { "\($0) %" }]
        for variant in report.settings.variants {
            rows.append(
                [variant.label]
                    + report.settings.budgets.map { budget in
                        report.point(suite, variant.label, budget).map {
                            "\(Int($0.slots.rounded())), \(Int($0.bytes.rounded()))"
                        } ?? ""
                    })
        }
        let seconds = report.points.reduce(0) { $0 + $1.seconds }
        let mean = report.points.isEmpty ? 0 : seconds / Double(report.points.count)
        return Self.table(rows)
            + "\n\n\(report.points.count) points, \(DecimalText.text(mean, decimals: 2)) seconds each, "
            + "\(DecimalText.text(seconds, decimals: 0)) seconds in all."
    }

    private static func show(_ estimate: Estimate, _ measure: Measure) -> String {
        let half = (estimate.high - estimate.low) / 2
        return DecimalText.text(estimate.mean, decimals: measure.decimals)
            + (half > 0 ? " ±" + DecimalText.text(half, decimals: measure.decimals) : "")
    }

    /// Columns padded to equal width; the first row is the head.
    static func table(_ rows: [[String]]) -> String {
        guard let head = rows.first else { return "" }
        let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        func line(_ row: [String]) -> String {
            "| "
                + zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ")
                + " |"
        }
        let rule = "|" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|") + "|"
        return ([line(head), rule] + rows.dropFirst().map(line)).joined(separator: "\n")
    }
}
