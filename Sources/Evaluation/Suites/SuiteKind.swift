/// The suites by the name that options, tables and file names use.
public enum SuiteKind: String, Sendable, CaseIterable {
    /// Continuation of long prose, compared with the full cache.
    case prose
    /// A fact that nothing asked for before; the question comes after pruning.
    case recallColdHidden = "recall-cold-hidden"
    /// A fact that nothing asked for before; the question is part of the prompt that is pruned.
    case recallColdVisible = "recall-cold-visible"
    /// A fact that was asked for and given once before; the question comes after pruning.
    case recallHotHidden = "recall-hot-hidden"
    /// A fact that was asked for and given once before; the question is part of the prompt that is pruned.
    case recallHotVisible = "recall-hot-visible"
    /// List all facts; the instruction comes after pruning.
    case gatherHidden = "gather-hidden"
    /// List all facts; the instruction is part of the prompt that is pruned.
    case gatherVisible = "gather-visible"

    /// The fact was asked for earlier.
    var isHot: Bool { self == .recallHotHidden || self == .recallHotVisible }
    /// Question or instruction stand in the prompt.
    var isVisible: Bool { self == .recallColdVisible || self == .recallHotVisible || self == .gatherVisible }

    /// What the suite measures, the most telling first.
    public var measures: [Measure] {
        switch self {
        case .prose: [.divergence, .agreement, .perplexity]
        case .recallColdHidden, .recallColdVisible, .recallHotHidden, .recallHotVisible: [.exact, .digits]
        case .gatherHidden, .gatherVisible: [.rouge1, .rouge2, .rougeL]
        }
    }

    /// Heading of tables and plots.
    public var title: String {
        switch self {
        case .prose: "Long prose"
        case .recallColdHidden: "Recall of a cold fact, question after pruning"
        case .recallColdVisible: "Recall of a cold fact, question in the prompt"
        case .recallHotHidden: "Recall of a hot fact, question after pruning"
        case .recallHotVisible: "Recall of a hot fact, question in the prompt"
        case .gatherHidden: "List of all facts, instruction after pruning"
        case .gatherVisible: "List of all facts, instruction in the prompt"
        }
    }

    /// The suites that a list of names or beginnings of names (`recall`) means.
    public static func parse(_ text: String) throws(EvaluationError) -> [SuiteKind] {
        var chosen: Set<SuiteKind> = []
        for name in text.split(separator: ",").map(String.init) {
            let matching = allCases.filter { $0.rawValue == name || $0.rawValue.hasPrefix(name + "-") }
            guard !matching.isEmpty else { throw .unknownSuite(name) }
            chosen.formUnion(matching)
        }
        return allCases.filter(chosen.contains)
    }
}
