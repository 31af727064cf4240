internal import CompletionAPI
internal import KVCaching
internal import Serving

/// Where the service's refusals become answers: the one place of the application that chooses a status.
extension APIError {
    /// What `submit` threw. `promptParam` is the body's field with the prompt.
    init(_ error: SubmitError, promptParam: String, overload: OverloadStatus) {
        self =
            switch error {
            case .badCache(let cause):
                .invalidRequest("\(cause).", param: cause.field, code: "invalid_value")
            case .emptyPrompt(let index):
                .invalidRequest("Prompt \(index) has no token.", param: promptParam, code: "invalid_value")
            case .badToken: .invalidRequest("\(error).", param: promptParam, code: "invalid_value")
            case .contextTooLong(let promptTokens, let maxTokens, let context):
                .contextLengthExceeded(
                    promptTokens: .exactly(promptTokens), maxTokens: maxTokens, contextLength: context,
                    param: promptParam)
            case .neverFits(let needed, let limit): .budgetUnsatisfiable(neededBytes: needed, limitBytes: limit)
            case .tooManySequences: .invalidRequest("\(error).", param: "n", code: "invalid_value")
            case .inboxFull(let seconds): .poolExhausted(retryAfterSeconds: seconds, status: overload)
            case .draining: .draining
            }
    }

    /// What the scheduler said instead of taking the request.
    init(_ rejection: Rejection, promptParam: String, overload: OverloadStatus) {
        self =
            switch rejection {
            case .session(let error): APIError(error, promptParam: promptParam, overload: overload)
            case .unplannable(let error): APIError(error, promptParam: promptParam, overload: overload)
            case .queueFull(let seconds): .poolExhausted(retryAfterSeconds: seconds, status: overload)
            case .poolFull(let seconds): .poolFull(retryAfterSeconds: seconds, status: overload)
            case .stopping: .draining
            }
    }

    /// The server has been told to end.
    static var draining: APIError { .unavailable("The server is shutting down.", retryAfterSeconds: 5) }

    /// `drain_grace` was over before the answer was complete: what there is of it must not pass for the whole.
    static var cutByShutdown: APIError {
        .unavailable("The server is shutting down; the answer is not complete.", retryAfterSeconds: 5)
    }

    /// The model is not there yet.
    static var loading: APIError { .unavailable("The model is loading.", retryAfterSeconds: 2) }
}

extension APIError {
    /// The body of a refusal that the front gives by itself: it knows the status and one sentence. A request that is
    /// broken or too large says so in `type`; the status line carries the exact code.
    static func refused(status: Int, message: String, maxBodyBytes: Int) -> APIError {
        switch status {
        case 413: .requestTooLarge(limitBytes: maxBodyBytes)
        case 503: .unavailable(message, retryAfterSeconds: nil)
        case 500...: .serverError(message)
        default: .invalidRequest(message, param: nil, code: nil)
        }
    }
}
