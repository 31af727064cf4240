/// What an evaluation runs. Equal settings give equal numbers.
public struct EvaluationSettings: Sendable, Equatable {
    public var seed: UInt64 = 1
    public var variants = PolicyVariant.standard
    /// What the others are measured against; `checked()` adds it to them.
    public var baseline = PolicyVariant.random
    public var budgets = BudgetShare.standard
    public var suites = SuiteKind.allCases
    /// n: tokens of a text before its question.
    public var contextTokens = 1536
    /// Tokens fed after the prompt in the prose suite.
    public var continuationTokens = 64
    /// Texts of each suite.
    public var proseTexts = 48
    public var recallTexts = 96
    public var gatherTexts = 24
    /// Facts in a text of the recall suites; inputs take turns.
    public var factCounts = [1, 4, 8]
    public var gatherFacts = 4
    public var codeDigits = 5
    /// Resamples of the bootstrap.
    public var resamples = 2000
    public var threads = 1

    /// The full run.
    public init() {}

    /// Few and short inputs: an overview in minutes, with wide intervals.
    public static var quick: EvaluationSettings {
        var settings = EvaluationSettings()
        settings.contextTokens = 512
        settings.continuationTokens = 32
        settings.proseTexts = 24
        settings.recallTexts = 27
        settings.gatherTexts = 8
        return settings
    }

    /// Tokens that must fit the model's context beside a text: question, list or continuation.
    private var roomTokens: Int { max(128, continuationTokens) }

    /// The same with texts as short as a model's context asks for.
    public func fitted(to modelContext: Int) -> EvaluationSettings {
        var settings = self
        settings.contextTokens = min(contextTokens, max(64, modelContext - roomTokens))
        return settings
    }

    func isBaseline(_ variant: PolicyVariant) -> Bool { variant.label == baseline.label }

    /// Throws where texts and what follows them exceed the model's context.
    func checkFits(_ modelContext: Int) throws(EvaluationError) {
        guard contextTokens + roomTokens <= modelContext else {
            throw .contextTooLong(tokens: contextTokens, room: roomTokens, context: modelContext)
        }
    }

    /// Inputs that a suite has.
    func inputCount(of suite: SuiteKind) -> Int {
        switch suite {
        case .prose: proseTexts
        case .gatherHidden, .gatherVisible: gatherTexts
        case .recallColdHidden, .recallColdVisible, .recallHotHidden, .recallHotVisible: recallTexts
        }
    }

    /// Throws where numbers make no sense together; the baseline is added where it is missing.
    func checked() throws(EvaluationError) -> EvaluationSettings {
        for (option, value, range) in [
            ("--context", contextTokens, 64...1_000_000), ("--continuation", continuationTokens, 2...100_000),
            ("--texts", proseTexts, 1...100_000), ("--texts", recallTexts, 1...100_000),
            ("--texts", gatherTexts, 1...100_000), ("--threads", threads, 1...256),
        ] where !range.contains(value) {
            throw .badNumber(
                option: option, value: value, allowed: "between \(range.lowerBound) and \(range.upperBound)")
        }
        var settings = self
        if !variants.contains(where: isBaseline) { settings.variants.append(baseline) }
        return settings
    }

    /// Everything that decides a point's numbers, as text: points of another run are told apart by it. Policies,
    /// budgets and suites are part of each point and the number of threads changes nothing.
    var fingerprintText: String {
        "seed \(seed) context \(contextTokens) continuation \(continuationTokens) prose \(proseTexts) recall"
            + " \(recallTexts) gather \(gatherTexts) facts \(factCounts) gathered \(gatherFacts) digits \(codeDigits)"
    }
}
