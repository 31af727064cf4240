public import Decoding
public import Tokenization

/// A whole evaluation: suites × policies × budgets on one model, resumable suite by suite.
public struct EvaluationRun {
    /// The model as reports call it.
    public let modelName: String
    private let settings: EvaluationSettings
    private let suites: [any EvaluationSuite]
    private let runner: PolicyRunner
    private let fingerprint: String

    /// Builds all inputs. `text` is the prose they are cut from, nil for made-up prose.
    /// Throws `EvaluationError`, or `ThreadTeamError` where threads are refused.
    public init(
        settings: EvaluationSettings, model: DecoderModel, modelName: String, tokenizer: Tokenizer, text: String?
    ) throws {
        self.modelName = modelName
        let settings = try settings.checked()
        try settings.checkFits(model.configuration.contextLength)
        self.settings = settings
        let builder = PassageBuilder(
            wording: FactWording(tokenizer: tokenizer),
            filler: FillerText(text, tokenizer: tokenizer, seed: settings.seed))
        runner = try PolicyRunner(model: model, threads: settings.threads)
        suites = try settings.suites.map { kind in
            try Self.suite(kind, settings, builder)
        }
        fingerprint = try RunFingerprint(settings: settings, builder: builder, runner: runner).text
    }

    private static func suite(
        _ kind: SuiteKind, _ settings: EvaluationSettings, _ builder: PassageBuilder
    ) throws(EvaluationError) -> any EvaluationSuite {
        switch kind {
        case .prose: try ProseSuite(settings: settings, builder: builder)
        case .gatherHidden, .gatherVisible: try GatherSuite(kind, settings: settings, builder: builder)
        case .recallColdHidden, .recallColdVisible, .recallHotHidden, .recallHotVisible:
            try RecallSuite(kind, settings: settings, builder: builder)
        }
    }

    /// Measures the points that `folder` does not hold yet and reports on all of them. The missing points of a suite
    /// are measured together, since they share prompts, and are kept when all of them are there. `progress` is called
    /// before each suite, while it runs, and at the end.
    public func run(folder: String, progress: (EvaluationProgress) -> Void) throws -> EvaluationReport {
        var store = PointStore(path: "\(folder)/points.jsonl")
        let clock = ContinuousClock()
        let start = clock.now
        let cases = settings.budgets.flatMap { budget in
            settings.variants.map { EvaluationCase(variant: $0, budget: budget) }
        }
        var found: [EvaluationPoint] = []
        var measured = 0
        func report(_ next: SuiteKind?, underway: Double = 0, known: Int = 0) {
            progress(
                EvaluationProgress(
                    done: found.count + known, total: suites.count * cases.count, measured: measured,
                    underway: underway, seconds: Self.seconds(clock.now - start), next: next?.rawValue))
        }
        for suite in suites {
            func known(_ one: EvaluationCase) -> EvaluationPoint? {
                store.point(run: fingerprint, suite: suite.kind, policy: one.variant.label, budget: one.budget)
            }
            let missing = cases.filter { known($0) == nil }
            if !missing.isEmpty {
                let knownCount = cases.count - missing.count
                report(suite.kind, known: knownCount)
                let points = try measure(suite, missing) {
                    report(suite.kind, underway: $0 * Double(missing.count), known: knownCount)
                }
                for point in points { try store.append(point) }
                measured += points.count
            }
            found += cases.compactMap(known)
        }
        report(nil)
        return EvaluationReport(
            modelName: modelName, settings: settings, run: fingerprint, points: found,
            traits: Dictionary(suites.map { ($0.kind, $0.traits) }) { first, _ in first })
    }

    /// Points measured anew, in order. They took equal shares of the time.
    func measure(
        _ suite: any EvaluationSuite, _ cases: [EvaluationCase], progress: (Double) -> Void = { _ in }
    ) throws(EvaluationError) -> [EvaluationPoint] {
        let clock = ContinuousClock()
        let start = clock.now
        let outcomes = try suite.measure(cases, runner: runner, progress: progress)
        let seconds = Self.seconds(clock.now - start) / Double(cases.count)
        return zip(cases, outcomes).map { one, outcome in
            EvaluationPoint(
                run: fingerprint, suite: suite.kind, policy: one.variant.label, budget: one.budget,
                slots: outcome.cost.slots, bytes: outcome.cost.bytes, seconds: seconds, values: outcome.values)
        }
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}

@available(*, unavailable) extension EvaluationRun: Sendable {}
