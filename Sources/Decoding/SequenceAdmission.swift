public import Generation
public import KVCaching

/// A sequence as the engine takes it in: its bytes were reserved by admission.
public struct SequenceAdmission: Sendable {
    public let id: SequenceID
    /// At least one token; every id is in the vocabulary.
    public let prompt: [TokenID]
    public let plan: CachePlan
    /// Whether the logits of all prompt rows are wanted, not only the last one's.
    public let promptLogits: Bool
    /// Sequences that this one's prompt starts too, each with a cache of its own.
    public let siblings: [Sibling]
    /// The sequence whose kept cache this one goes on with; its plan's turn has the history. It is no longer there
    /// afterwards.
    public let continued: SequenceID?
    /// The blocks with which a prompt begins that shares its beginning with others.
    public let prefix: SequencePrefix?

    /// Whether the prompt passes by rows (`PrefillPiece`): no cache that it fills evicts any of it.
    public var passesByRows: Bool { plan.passesByRows && siblings.allSatisfy(\.plan.passesByRows) }

    /// A sequence that goes on from a prompt which another one runs. Its cache and logits have the bits that they would
    /// have alone.
    public struct Sibling: Sendable {
        public let id: SequenceID
        /// Shares the prompt with the admission's plan (`CachePlan.sharesPrompt`).
        public let plan: CachePlan

        public init(id: SequenceID, plan: CachePlan) {
            self.id = id
            self.plan = plan
        }
    }

    public init(
        id: SequenceID, prompt: [TokenID], plan: CachePlan, promptLogits: Bool, siblings: [Sibling] = [],
        continued: SequenceID? = nil, prefix: SequencePrefix? = nil
    ) {
        precondition(prompt.count == plan.promptTokens, "\(prompt.count) tokens for a plan of \(plan.promptTokens)")
        self.id = id
        self.prompt = prompt
        self.plan = plan
        self.promptLogits = promptLogits
        self.siblings = siblings
        self.continued = continued
        precondition(prefix == nil || (siblings.isEmpty && continued == nil), "a prefix is that of one new cache")
        self.prefix = prefix
    }
}
