import Foundation
import FoundationXML
import JSON
import TestSupport
import Testing

@testable import Evaluation

@Suite struct ReportTests {
    /// Two policies and the baseline with made-up values: `h2o` clearly better than random, `window` clearly worse.
    private static func report(against baseline: String = "random") throws -> EvaluationReport {
        var settings = EvaluationSettings()
        settings.suites = [.prose, .recallColdHidden]
        settings.resamples = 200
        settings.baseline = try PolicyVariant(parsing: baseline)
        settings.variants = try ["window", "h2o:recent=0.3,sinks=4", "random"].map { try PolicyVariant(parsing: $0) }
        let levels = ["window": 0.4, "h2o:recent=0.3,sinks=4": 0.1, "random": 0.2]
        var points: [EvaluationPoint] = []
        for suite in settings.suites {
            for budget in settings.budgets {
                for variant in settings.variants {
                    let level = (levels[variant.label] ?? 0) * (1 - budget.percent / 100)
                    let values = (0..<12).map { level * (1 + Double($0 % 3) / 10) }
                    points.append(
                        EvaluationPoint(
                            run: "r", suite: suite, policy: variant.label, budget: budget, slots: 10, bytes: 100,
                            seconds: 0.5,
                            values: Dictionary(
                                uniqueKeysWithValues: suite.measures.map { measure in
                                    (measure, measure.isGain ? values.map { 1 - $0 } : values)
                                })))
                }
            }
        }
        return EvaluationReport(
            modelName: "m<&>", settings: settings, run: "r", points: points,
            traits: [.recallColdHidden: ["distance": (0..<12).map { $0 * 90 }, "facts": (0..<12).map { $0 % 2 + 1 }]])
    }

    @Test func whatDoesNotBeatRandomIsMarked() throws {
        let report = try Self.report()
        let half = try BudgetShare(parsing: "50")
        func verdict(_ variant: Int, _ measure: Measure, _ budget: BudgetShare) -> Bool? {
            report.cell(.prose, measure, report.settings.variants[variant], budget)?.beatsBaseline
        }
        for measure in [Measure.divergence, .agreement] {
            #expect(verdict(0, measure, half) == false)
            #expect(verdict(1, measure, half) == true)
            #expect(verdict(2, measure, half) == nil)
        }
        #expect(verdict(0, .divergence, report.settings.budgets[0]) == nil)
        let lines = report.table.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.hasPrefix("| window ") && $0.contains("†") })
        #expect(!lines.contains { $0.hasPrefix("| h2o") && $0.contains("†") })
    }

    @Test func anotherBaselineTurnsTheVerdictsRound() throws {
        let report = try Self.report(against: "h2o:recent=0.3,sinks=4")
        let half = try BudgetShare(parsing: "50")
        let verdicts = report.settings.variants.map { report.cell(.prose, .divergence, $0, half)?.beatsBaseline }
        #expect(verdicts == [false, nil, false])
        #expect(report.table.contains("does not beat `h2o:recent=0.3,sinks=4` on"))
    }

    @Test func tablesHaveTheSameColumnsInEveryRow() throws {
        for block in try Self.report().table.split(separator: "\n\n") where block.hasPrefix("|") {
            let lines = block.split(separator: "\n")
            #expect(Set(lines.map { $0.count { $0 == "|" } }).count == 1, "\(block)")
            #expect(Set(lines.map(\.count)).count == 1, "\(block)")
        }
    }

    @Test func resultsAreJSONWithIntervalsAndRawValues() throws {
        let value = try JSONValue(parsing: Self.report().resultsJSON(), limits: .file)
        let points = try #require(value.asObject?["points"]?.asArray)
        #expect(points.count == 2 * 7 * 3)
        let entry = try #require(points[3].asObject)
        #expect(entry["budget_percent"]?.asDouble == 75)
        let estimate = try #require(entry["estimates"]?.asObject?["kl"]?.asObject)
        #expect(estimate["beats_baseline"]?.asBool == false)
        #expect(estimate["low"]?.asDouble ?? 1 < estimate["high"]?.asDouble ?? 0)
        #expect(entry["values"]?.asObject?["kl"]?.asArray?.count == 12)
        #expect(entry["groups"] == nil)
        // What is written is read back as the same point.
        let report = try Self.report()
        #expect(report.points.allSatisfy { EvaluationPoint($0.json) == $0 })
    }

    @Test func filesAreWrittenUnderTheirNames() throws {
        let folder = try TemporaryFolder()
        let names = try Self.report().write(to: folder.path)
        #expect(names.contains("results.json") && names.contains("table.md") && names.contains("prose-kl.svg"))
        #expect(names.allSatisfy { TestFiles.exists("\(folder.path)/\($0)") })
        #expect(throws: EvaluationError.self) { try Self.report().write(to: "\(folder.path)/missing") }
    }

    @Test func plotsAreWellFormedAndNoTwoLabelsOverlap() throws {
        let report = try Self.report()
        for suite in report.settings.suites {
            for measure in suite.measures {
                let svg = BudgetPlot(report: report, suite: suite, measure: measure).svg
                let reader = SVGReader()
                let parser = XMLParser(data: Data(svg.utf8))
                parser.delegate = reader
                #expect(parser.parse(), "\(String(describing: parser.parserError))")
                #expect(reader.counts["polyline"] == 3)
                // 21 points; legend: three series and the hollow mark.
                #expect(reader.counts["circle"] == 21 + 4)
                #expect(reader.overlaps() == [], "\(suite) \(measure)")
            }
        }
    }

    @Test func longLabelsStayWithinThePlot() throws {
        var settings = TestModel.settings
        settings.variants = try [
            "keyformer:choose_per=layer,neighbourhood=3", "h2o:choose_per=layer,reduce_heads=max,neighbourhood=16",
            "random", "random:choose_per=layer", "window",
        ].map { try PolicyVariant(parsing: $0) }
        let report = EvaluationReport(modelName: "m", settings: settings, run: "r", points: [], traits: [:])
        let reader = SVGReader()
        let parser = XMLParser(data: Data(BudgetPlot(report: report, suite: .prose, measure: .agreement).svg.utf8))
        parser.delegate = reader
        #expect(parser.parse())
        #expect(reader.overlaps() == [])
        #expect(reader.rightEnd <= 820)
    }

    @Test func overlappingLabelsWouldBeSeen() {
        let reader = SVGReader()
        let text =
            "<svg><text x='10' y='20' font-size='12'>abcdef</text>"
            + "<text x='20' y='24' font-size='12'>gh</text></svg>"
        let parser = XMLParser(data: Data(text.utf8))
        parser.delegate = reader
        #expect(parser.parse())
        #expect(reader.overlaps().count == 1)
    }

    @Test func axesHaveFewRoundTicksThatCoverTheValues() {
        let axis = ValueAxis(values: [0.013, 0.31], fromZero: true)
        #expect(axis.low == 0 && axis.high >= 0.31 && axis.decimals == 1)
        #expect((3...8).contains(axis.ticks.count))
        let perplexity = ValueAxis(values: [29.1, 33.4], fromZero: false)
        #expect(perplexity.low == 29 && perplexity.high == 34 && perplexity.decimals == 0)
        #expect(ValueAxis(values: [0, 0], fromZero: true).ticks.count > 1)
        #expect(ValueAxis(values: [], fromZero: true).high > 0)
    }

    @Test(arguments: [
        (0.12345, 3, "0.123"), (-0.0001, 2, "0.00"), (-1.5, 1, "-1.5"), (12, 0, "12"), (0.99999, 3, "1.000"),
        (.infinity, 2, "inf"),
    ])
    func decimalsAreFixed(value: Double, decimals: Int, text: String) {
        #expect(DecimalText.text(value, decimals: decimals) == text)
    }

    /// Twelve inputs, 0 to 990 tokens back, with one and two facts in turn.
    @Test func recallIsBrokenDownByDistanceAndNumberOfFacts() throws {
        let report = try Self.report()
        #expect(report.groups(of: .recallColdHidden).map(\.title) == Self.groupTitles)
        #expect(report.groups(of: .prose).isEmpty)
        #expect(Self.groupTitles.allSatisfy { report.table.contains("| \($0) ") })
        let value = try JSONValue(parsing: report.resultsJSON(), limits: .file)
        let points = try #require(value.asObject?["points"]?.asArray)
        let recall = try #require(
            points.first {
                $0.asObject?["suite"]?.asString == "recall-cold-hidden"
                    && $0.asObject?["budget_percent"]?.asDouble == 50
            }?.asObject)
        let groups = try #require(recall["groups"]?.asArray).compactMap(\.asObject)
        #expect(groups.map { $0["inputs"]?.asInt } == [4, 4, 4, 6, 6])
        #expect(groups.map { $0["trait"]?.asString } == ["distance", "distance", "distance", "facts", "facts"])
        #expect(groups[1]["from"]?.asInt == 331 && groups[1]["to"]?.asInt == 660)
        let values = try #require(recall["values"]?.asObject?["exact"]?.asArray).compactMap(\.asDouble)
        let mean = try #require(groups[1]["exact"]?.asObject?["mean"]?.asDouble)
        #expect(abs(mean - values[4..<8].reduce(0, +) / 4) < 1e-12)
    }

    private static let groupTitles = ["to 330 tokens back", "to 660", "to 990", "1 fact", "2 facts"]

    @Test func workUnderWayCountsAsItsShareOfPoints() {
        var progress = EvaluationProgress(done: 4, total: 12, measured: 2, seconds: 8, next: "prose")
        progress.underway = 2
        #expect(progress.line == "[############............] 4/12, 2.0 s/point, 12 s left, prose")
    }

    @Test func progressFitsOneLineAndSaysThePace() {
        let line = EvaluationProgress(done: 5, total: 10, measured: 4, seconds: 8, next: "prose h2o 25 %").line
        #expect(line == "[############............] 5/10, 2.0 s/point, 10 s left, prose h2o 25 %")
    }
}

/// Counts elements and remembers where texts stand.
private final class SVGReader: NSObject, XMLParserDelegate {
    struct Label {
        var text = ""
        let x: Double
        let y: Double
        let size: Double
        let anchor: String
        let isTurned: Bool

        /// A character is taken to be 0.55 em wide.
        var box: (x: ClosedRange<Double>, y: ClosedRange<Double>) {
            let length = Double(text.count) * size * 0.55
            let before = anchor == "middle" ? length / 2 : anchor == "end" ? length : 0
            return isTurned
                ? (x - size * 0.8...x, y - (length - before)...y + before)
                : (x - before...x - before + length, y - size * 0.75...y)
        }
    }

    private(set) var counts: [String: Int] = [:]
    private var labels: [Label] = []
    private var isInText = false

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        counts[name, default: 0] += 1
        isInText = name == "text"
        guard isInText else { return }
        labels.append(
            Label(
                x: Double(attributes["x"] ?? "") ?? -1, y: Double(attributes["y"] ?? "") ?? -1,
                size: Double(attributes["font-size"] ?? "") ?? 12, anchor: attributes["text-anchor"] ?? "start",
                isTurned: attributes["transform"] != nil))
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        isInText = false
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        if isInText { labels[labels.count - 1].text += text }
    }

    /// Where the longest text ends.
    var rightEnd: Double { labels.map(\.box.x.upperBound).max() ?? 0 }

    /// Pairs of texts whose boxes meet.
    func overlaps() -> [String] {
        var found: [String] = []
        for (index, label) in labels.enumerated() {
            for other in labels[(index + 1)...]
            where label.box.x.overlaps(other.box.x) && label.box.y.overlaps(other.box.y) {
                found.append("\(label.text) / \(other.text)")
            }
        }
        return found
    }
}
