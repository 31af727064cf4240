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

    public init(id: SequenceID, prompt: [TokenID], plan: CachePlan, promptLogits: Bool) {
        precondition(prompt.count == plan.promptTokens, "\(prompt.count) tokens for a plan of \(plan.promptTokens)")
        self.id = id
        self.prompt = prompt
        self.plan = plan
        self.promptLogits = promptLogits
    }
}
