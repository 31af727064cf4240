internal import Glibc

/// One measure against the budget: a line per policy with 95 % intervals. Hollow marks are points that do not beat the
/// baseline.
struct BudgetPlot {
    let report: EvaluationReport
    let suite: SuiteKind
    let measure: Measure

    private static let width = 820.0
    private static let height = 460.0
    private static let left = 76.0
    private static let right = 600.0
    private static let top = 56.0
    private static let bottom = 392.0
    /// Told apart also by most people who see few colours (Okabe and Ito).
    private static let colors = [
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#8c613c", "#3b3b3b",
    ]
    /// Pixels between the marks of two policies at one budget.
    private static let spread = 4.5
    private static let baselineColor = "#8a8a8a"

    private struct Series {
        let label: String
        let color: String
        let points: [(budget: BudgetShare, cell: EvaluationReport.Cell)]
    }

    private var series: [Series] {
        var used = 0
        return report.settings.variants.map { variant in
            let color = report.settings.isBaseline(variant) ? Self.baselineColor : Self.colors[used % Self.colors.count]
            if !report.settings.isBaseline(variant) { used += 1 }
            let points = report.settings.budgets.sorted { $0.millionths < $1.millionths }.compactMap { budget in
                report.cell(suite, measure, variant, budget).map { (budget, $0) }
            }
            return Series(label: variant.label, color: color, points: points)
        }
    }

    var svg: String {
        let series = series
        let axis = ValueAxis(
            values: series.flatMap { $0.points.flatMap { [$0.cell.estimate.low, $0.cell.estimate.high] } },
            fromZero: measure != .perplexity)
        var drawing = SVGDrawing(width: Int(Self.width), height: Int(Self.height))
        drawing.text(suite.title, Self.left, 24, size: 16, isBold: true)
        drawing.text(
            "\(report.modelName), \(report.settings.contextTokens) tokens, "
                + "\(report.settings.inputCount(of: suite)) texts, 95 % intervals", Self.left, 43)
        drawAxes(axis, &drawing)
        for (index, line) in series.enumerated() {
            draw(line, offset: (Double(index) - Double(series.count - 1) / 2) * Self.spread, axis, &drawing)
        }
        drawLegend(series, &drawing)
        return drawing.svg
    }

    /// Budgets stand on a logarithmic scale: halving one is always the same step.
    private func x(_ budget: BudgetShare) -> Double {
        let shares = report.settings.budgets.map(\.percent)
        let (low, high) = (log2(shares.min() ?? 1), log2(shares.max() ?? 100))
        let inner = (Self.left + 24, Self.right - 24)
        guard high > low else { return (inner.0 + inner.1) / 2 }
        return inner.0 + (inner.1 - inner.0) * (log2(budget.percent) - low) / (high - low)
    }

    private func y(_ value: Double, _ axis: ValueAxis) -> Double {
        Self.bottom - (Self.bottom - Self.top) * (value - axis.low) / (axis.high - axis.low)
    }

    private func drawAxes(_ axis: ValueAxis, _ drawing: inout SVGDrawing) {
        for tick in axis.ticks {
            let place = y(tick, axis)
            drawing.line(Self.left, place, Self.right, place, color: "#e4e4e4")
            drawing.text(DecimalText.text(tick, decimals: axis.decimals), Self.left - 8, place + 4, anchor: .end)
        }
        // Budgets that stand close together would write over each other: a label needs its room.
        var lastLabel = Double.infinity
        for budget in report.settings.budgets.sorted(by: { $0.millionths > $1.millionths }) {
            let place = x(budget)
            drawing.line(place, Self.bottom, place, Self.bottom + 5, color: "#222222")
            let room = 14 + 7 * Double("\(budget)".count)
            guard lastLabel - place >= room else { continue }
            lastLabel = place
            drawing.text("\(budget)", place, Self.bottom + 20, anchor: .middle)
        }
        drawing.line(Self.left, Self.top, Self.left, Self.bottom, color: "#222222")
        drawing.line(Self.left, Self.bottom, Self.right, Self.bottom, color: "#222222")
        drawing.text(
            "KV budget, percent of the full cache's bytes", (Self.left + Self.right) / 2, Self.bottom + 44,
            anchor: .middle, size: 13)
        drawing.text(measure.title, 20, (Self.top + Self.bottom) / 2, anchor: .middle, size: 13, turned: true)
    }

    private func draw(_ series: Series, offset: Double, _ axis: ValueAxis, _ drawing: inout SVGDrawing) {
        drawing.path(
            series.points.map { (x($0.budget) + offset, y($0.cell.estimate.mean, axis)) }, color: series.color)
        for point in series.points {
            let place = x(point.budget) + offset
            let (low, high) = (y(point.cell.estimate.low, axis), y(point.cell.estimate.high, axis))
            if low - high > 0.5 {
                drawing.line(place, low, place, high, color: series.color, width: 1.2)
                drawing.line(place - 3, low, place + 3, low, color: series.color, width: 1.2)
                drawing.line(place - 3, high, place + 3, high, color: series.color, width: 1.2)
            }
            drawing.dot(
                place, y(point.cell.estimate.mean, axis), color: series.color,
                isFilled: point.cell.beatsBaseline != false)
        }
    }

    private func drawLegend(_ series: [Series], _ drawing: inout SVGDrawing) {
        var place = Self.top + 8
        for line in series {
            drawing.line(Self.right + 20, place, Self.right + 44, place, color: line.color, width: 1.8)
            drawing.dot(Self.right + 32, place, color: line.color, isFilled: true)
            for (index, part) in Self.wrapped(line.label).enumerated() {
                if index > 0 { place += 14 }
                drawing.text(part, Self.right + 52, place + 4)
            }
            place += 22
        }
        place += 8
        drawing.dot(Self.right + 32, place, color: "#222222", isFilled: false)
        drawing.text("does not beat \(report.settings.baseline.label)", Self.right + 52, place + 4)
    }

    /// Labels of variants are cut after colons and commas to fit beside the plot.
    private static func wrapped(_ label: String) -> [String] {
        var lines = [""]
        var part = ""
        for character in label {
            part.append(character)
            guard character == ":" || character == "," else { continue }
            add(part, to: &lines)
            part = ""
        }
        add(part, to: &lines)
        return lines
    }

    private static func add(_ part: String, to lines: inout [String]) {
        if let last = lines.last, last.isEmpty || last.count + part.count <= 22 {
            lines[lines.count - 1] += part
        } else {
            lines.append(part)
        }
    }
}
