public import Decoding
public import Tokenization

/// A whole evaluation: suites × policies × budgets on one model, resumable point by point.
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
        self.settings = settings
        let builder = PassageBuilder(
            wording: FactWording(tokenizer: tokenizer),
            filler: FillerText(text, tokenizer: tokenizer, seed: settings.seed))
        runner = try PolicyRunner(model: model, threads: settings.threads)
        suites = try settings.suites.map { kind in
            try Self.suite(kind, settings, builder, vocabularySize: model.configuration.vocabularySize)
        }
        fingerprint = try RunFingerprint(settings: settings, builder: builder, runner: runner).text
    }

    private static func suite(
        _ kind: SuiteKind, _ settings: EvaluationSettings, _ builder: PassageBuilder, vocabularySize: Int
    ) throws(EvaluationError) -> any EvaluationSuite {
        switch kind {
        case .prose: try ProseSuite(settings: settings, builder: builder, vocabularySize: vocabularySize)
        case .gatherHidden, .gatherVisible: try GatherSuite(kind, settings: settings, builder: builder)
        case .recallColdHidden, .recallColdVisible, .recallHotHidden, .recallHotVisible:
            try RecallSuite(kind, settings: settings, builder: builder)
        }
    }

    /// Measures the points that `folder` does not hold yet and reports on all of them. `progress` is called before each
    /// point and at the end.
    public func run(folder: String, progress: (EvaluationProgress) -> Void) throws -> EvaluationReport {
        var store = PointStore(path: "\(folder)/points.jsonl")
        let clock = ContinuousClock()
        let start = clock.now
        var found: [EvaluationPoint] = []
        var measured = 0
        let total = suites.count * settings.variants.count * settings.budgets.count
        func report(_ next: String?) {
            progress(
                EvaluationProgress(
                    done: found.count, total: total, measured: measured, seconds: Self.seconds(clock.now - start),
                    next: next))
        }
        for suite in suites {
            for budget in settings.budgets {
                for variant in settings.variants {
                    report("\(suite.kind.rawValue) \(variant.label) \(budget) %")
                    if let known = store.point(
                        run: fingerprint, suite: suite.kind, policy: variant.label, budget: budget)
                    {
                        found.append(known)
                        continue
                    }
                    let point = try measure(suite, variant, budget)
                    try store.append(point)
                    found.append(point)
                    measured += 1
                }
            }
        }
        report(nil)
        return EvaluationReport(
            modelName: modelName, settings: settings, run: fingerprint, points: found,
            traits: Dictionary(suites.map { ($0.kind, $0.traits) }) { first, _ in first })
    }

    /// One point, measured anew.
    func measure(
        _ suite: any EvaluationSuite, _ variant: PolicyVariant, _ budget: BudgetShare
    ) throws(EvaluationError) -> EvaluationPoint {
        let clock = ContinuousClock()
        let start = clock.now
        let outcome = try suite.measure(variant, budget, runner: runner)
        return EvaluationPoint(
            run: fingerprint, suite: suite.kind, policy: variant.label, budget: budget, slots: outcome.cost.slots,
            bytes: outcome.cost.bytes, seconds: Self.seconds(clock.now - start), values: outcome.values)
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}

@available(*, unavailable) extension EvaluationRun: Sendable {}
