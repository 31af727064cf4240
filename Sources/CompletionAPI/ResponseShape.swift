public import Generation

/// What decides the form of an answer: the endpoint, the choices, and what the client asked to see.
/// Choice k of prompt p has the index `p * choicesPerPrompt + k`.
public struct ResponseShape: Sendable {
    /// Which of the two contracts the answer follows.
    enum Endpoint { case completion, chat }

    /// The contract.
    let endpoint: Endpoint
    /// `n`.
    let choicesPerPrompt: Int
    /// Token count of each prompt.
    let promptTokens: [Int]
    /// Text of each prompt, to be repeated in front of each of its choices; nil without `echo`.
    let echoes: [String]?
    /// The client asked for logprobs.
    let hasLogprobs: Bool
    /// Nil when the answer is not streamed.
    let stream: StreamOptions?
    /// The session that the request is a turn of, for `usage`.
    public var sessionID: String?
    /// Text bytes of a vocabulary entry, for the alternatives in logprobs.
    let tokenBytes: @Sendable (TokenID) -> [UInt8]

    /// Choices of all prompts.
    var choiceCount: Int { promptTokens.count * choicesPerPrompt }
}

extension CompletionRequest {
    /// - Parameters:
    ///   - promptTokens: token count of each prompt.
    ///   - promptTexts: text of each prompt as `echo` shows it; needed only with `echo`.
    ///   - tokenBytes: text bytes of a vocabulary entry.
    public func shape(
        promptTokens: [Int], promptTexts: [String], tokenBytes: @escaping @Sendable (TokenID) -> [UInt8]
    ) -> ResponseShape {
        precondition(promptTokens.count == prompts.count, "\(promptTokens.count) counts for \(prompts.count) prompts")
        precondition(!echo || promptTexts.count == prompts.count, "\(promptTexts.count) texts to echo")
        return ResponseShape(
            endpoint: .completion, choicesPerPrompt: template.choices, promptTokens: promptTokens,
            echoes: echo ? promptTexts : nil, hasLogprobs: template.logprobs != nil, stream: stream,
            tokenBytes: tokenBytes)
    }
}

extension ChatRequest {
    /// - Parameters:
    ///   - promptTokens: token count of the rendered conversation.
    ///   - tokenBytes: text bytes of a vocabulary entry.
    public func shape(promptTokens: Int, tokenBytes: @escaping @Sendable (TokenID) -> [UInt8]) -> ResponseShape {
        ResponseShape(
            endpoint: .chat, choicesPerPrompt: template.choices, promptTokens: [promptTokens], echoes: nil,
            hasLogprobs: template.logprobs != nil, stream: stream, tokenBytes: tokenBytes)
    }
}
