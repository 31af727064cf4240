import TestSupport
import Testing

@testable import Evaluation
@testable import ServerApp

@Suite struct EvaluationRunTests {
    private static func budgets(_ percents: String...) throws -> [BudgetShare] {
        try percents.map { try BudgetShare(parsing: $0) }
    }

    @Test func aWholeBudgetIsTheFullCacheToTheLastBit() throws {
        let folder = try TemporaryFolder()
        var settings = TestModel.settings
        settings.budgets = try Self.budgets("100")
        let report = try TestModel.run(settings).run(folder: folder.path) { _ in }
        #expect(report.points.count == SuiteKind.allCases.count * settings.variants.count)
        for suite in SuiteKind.allCases {
            let points = report.points.filter { $0.suite == suite }
            #expect(Set(points.map(\.values)).count == 1, "\(suite)")
            guard suite == .prose else { continue }
            for point in points {
                #expect(point.values[.divergence] == [0, 0, 0], "\(point.policy)")
                #expect(point.values[.agreement] == [1, 1, 1], "\(point.policy)")
            }
        }
    }

    @Test func anotherRunGivesTheSameNumbers() throws {
        var settings = TestModel.settings
        settings.budgets = try Self.budgets("25")
        settings.variants = try ["keyformer", "random", "streaming"].map { try PolicyVariant(parsing: $0) }
        let first = try TestModel.report(settings)
        // One suite alone, other threads: nothing that a point depends on.
        for suite in SuiteKind.allCases {
            settings.suites = [suite]
            settings.threads = 1
            let again = try TestModel.report(settings)
            #expect(again.points.map(\.values) == first.points.filter { $0.suite == suite }.map(\.values))
        }
        settings.seed = 2
        settings.suites = [.prose]
        let other = try TestModel.report(settings)
        #expect(other.points[0].values != first.points[0].values)
    }

    /// Prompts are shared between budgets and policies; each point is what it is alone, also in passes cut short.
    @Test func pointsMeasuredTogetherAreThoseMeasuredAlone() throws {
        let model = try TestModel.load()
        let builder = TestModel.builder(model)
        let settings = TestModel.settings
        let labels = [
            "keyformer", "keyformer:choose_per=layer,neighbourhood=3", "h2o:recent=0.1", "streaming", "random",
        ]
        let cases = try labels.flatMap { label in
            try Self.budgets("100", "50", "12.5").map {
                EvaluationCase(variant: try PolicyVariant(parsing: label), budget: $0)
            }
        }
        let suites: [any EvaluationSuite] = [
            try ProseSuite(settings: settings, builder: builder),
            try RecallSuite(.recallHotVisible, settings: settings, builder: builder),
            try GatherSuite(.gatherHidden, settings: settings, builder: builder),
        ]
        let runner = try PolicyRunner(model: model.decoder, threads: 2)
        let narrow = try PolicyRunner(
            model: model.decoder, threads: 1, limits: .init(bytes: 200_000, prompts: 2, sequences: 3))
        for suite in suites {
            var shares: [Double] = []
            let together = try suite.measure(cases, runner: runner) { shares.append($0) }
            #expect(shares.last == 1 && shares == shares.sorted())
            let alone = try cases.map { try suite.measure([$0], runner: runner) { _ in }[0] }
            #expect(together == alone, "\(suite.kind)")
            #expect(try suite.measure(cases, runner: narrow) { _ in } == together, "\(suite.kind)")
        }
    }

    @Test func textsBeyondTheModelsContextAreRefusedOrShortened() throws {
        var settings = TestModel.settings
        settings.contextTokens = 4000
        let error = #expect(throws: EvaluationError.self) { try TestModel.run(settings) }
        #expect(error?.description.contains("--context") == true)
        #expect(settings.fitted(to: 2048).contextTokens == 1920)
        #expect(settings.fitted(to: 4096).contextTokens == 3968)
        #expect(settings.fitted(to: 8192).contextTokens == 4000)
        #expect(EvaluationSettings().contextTokens == 1536 && EvaluationSettings.quick.contextTokens == 512)
    }

    @Test func aRerunMeasuresOnlyWhatIsMissing() throws {
        let folder = try TemporaryFolder()
        var settings = TestModel.settings
        settings.suites = [.recallColdHidden]
        settings.budgets = try Self.budgets("50", "25")
        var last: EvaluationProgress?
        let first = try TestModel.run(settings).run(folder: folder.path) { last = $0 }
        #expect(last?.done == 10 && last?.measured == 10)

        let again = try TestModel.run(settings).run(folder: folder.path) { last = $0 }
        #expect(last?.done == 10 && last?.measured == 0)
        #expect(again.points == first.points)

        // Killed in the middle of the eighth line.
        let path = "\(folder.path)/points.jsonl"
        let lines = try #require(TestFiles.bytes(of: path)).split(separator: 10)
        let torn = Array(lines[..<7].joined(separator: [10])) + [10] + lines[7].prefix(40)
        try folder.write(torn, to: "points.jsonl")
        let resumed = try TestModel.run(settings).run(folder: folder.path) { last = $0 }
        #expect(last?.done == 10 && last?.measured == 3)
        #expect(resumed.points.map(\.values) == first.points.map(\.values))
        _ = try TestModel.run(settings).run(folder: folder.path) { last = $0 }
        #expect(last?.measured == 0)

        // Other settings are another run in the same folder.
        settings.contextTokens = 120
        _ = try TestModel.run(settings).run(folder: folder.path) { last = $0 }
        #expect(last?.measured == 10)
    }

    @Test func everyPolicyGetsTheSameBytes() throws {
        var settings = TestModel.settings
        settings.suites = [.prose]
        settings.budgets = try Self.budgets("50")
        let report = try TestModel.report(settings)
        // 64 of 128 tokens in 12 lanes; a slot is a key and a value of 32 f16 and a position.
        let bytes = 64.0 * 12 * (32 * 4 + 4)
        for point in report.points {
            #expect(point.bytes <= bytes && point.bytes > bytes * 0.97, "\(point.policy) \(point.bytes)")
        }
        #expect(report.points.first { $0.policy == "window" }?.slots == 64)
        #expect(report.points.first { $0.policy == "keyformer" }?.slots == 62)
    }

    @Test func aBudgetThatAPolicyCannotHaveNamesBoth() throws {
        var settings = TestModel.settings
        settings.suites = [.prose]
        settings.budgets = try Self.budgets("2")
        let run = try TestModel.run(settings)
        let folder = try TemporaryFolder()
        let error = #expect(throws: EvaluationError.self) { try run.run(folder: folder.path) { _ in } }
        #expect(error?.description.hasPrefix("streaming at 2 %") == true, "\(String(describing: error))")
    }

    /// At a quarter of the bytes: a fact that was asked for once is found by the full cache most often, by Keyformer
    /// next, and Keyformer beats random on the same texts.
    @Test func fullIsBestAndKeyformerBeatsRandomOnHotFacts() throws {
        var settings = TestModel.settings
        settings.suites = [.recallHotHidden]
        settings.budgets = try Self.budgets("100", "25")
        settings.variants = try ["keyformer", "random"].map { try PolicyVariant(parsing: $0) }
        settings.recallTexts = 18
        settings.factCounts = [1, 4, 8]
        settings.contextTokens = 256
        let report = try TestModel.report(settings)
        func cell(_ variant: Int, _ budget: Int) throws -> EvaluationReport.Cell {
            try #require(
                report.cell(.recallHotHidden, .exact, settings.variants[variant], settings.budgets[budget]))
        }
        let (full, keyformer, random) = (try cell(0, 0), try cell(0, 1), try cell(1, 1))
        #expect(full.estimate.mean >= keyformer.estimate.mean)
        #expect(keyformer.estimate.mean > random.estimate.mean)
        #expect(keyformer.beatsBaseline == true)
        #expect(full.beatsBaseline == nil && random.beatsBaseline == nil)
    }
}
