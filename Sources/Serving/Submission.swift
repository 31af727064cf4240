internal import Generation
internal import KVCaching
internal import Scheduling

/// A request as the service counts them; never reused.
struct RequestID: Hashable, Sendable {
    let rawValue: UInt64
}

/// One sequence of a request, ready for admission.
struct PlannedSequence: Sendable {
    let id: SequenceID
    /// Which prompt of the request.
    let prompt: Int
    /// Which of the prompt's `n` choices.
    let choice: Int
    let request: GenerationRequest
    /// Most tokens to generate: `max_tokens`, or what the context leaves.
    let maxNewTokens: Int
    let plan: CachePlan
    /// Where the sequence is a turn of a session.
    var turn: PlannedTurn?
    /// The budget is smaller than what was asked for.
    var isShrunk = false

    /// The same with another plan.
    func shrunk(to plan: CachePlan) -> PlannedSequence {
        PlannedSequence(
            id: id, prompt: prompt, choice: choice, request: request, maxNewTokens: maxNewTokens, plan: plan,
            turn: turn, isShrunk: true)
    }

    /// Bytes reserved until the prompt is read, as the scheduler counts them.
    var startBytes: Int { max(plan.peakBytes, plan.steadyBytes) }

    /// Tokens of the prompt that a session's cache was fed before.
    var cachedTokens: Int { max(0, request.prompt.count - plan.promptTokens) }

    /// What passes as a prompt.
    var promptRows: [TokenID] { turn?.suffix ?? request.prompt }
}

/// A request on its way to the engine thread.
struct Submission: Sendable {
    let id: RequestID
    /// Prompt by prompt, choice by choice; those of a turn are made on the engine thread.
    var sequences: [PlannedSequence]
    var turn: TurnSubmission?
    let submittedAt: Duration
    /// When its sequences must have ended, on the service's clock.
    let deadline: Duration?
    var terms = AdmissionTerms()
    let onEvent: @Sendable (ServiceEvent) -> Void
}
