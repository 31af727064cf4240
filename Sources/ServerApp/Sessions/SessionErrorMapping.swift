internal import CompletionAPI
internal import KVCaching
internal import Serving
internal import SessionFiles

/// Where refusals about sessions become answers.
extension APIError {
    /// `promptParam` is the body's field with the prompt, where there is one.
    init(_ error: SessionError, promptParam: String, overload: OverloadStatus) {
        let text = Self.sentence("\(error)")
        self =
            switch error {
            case .notFound: .sessionNotFound(text)
            case .expired: .sessionExpired(text)
            case .busy(_, let seconds): .sessionBusy(text, retryAfterSeconds: seconds)
            case .exists: .sessionExists(text)
            case .diverged, .nothingNew: .sessionDiverged(text, param: promptParam)
            case .tooMany: .tooManySessions(text)
            case .poolFull: .poolExhausted(retryAfterSeconds: 5, status: overload)
            case .neverFits(let needed, let limit): .budgetUnsatisfiable(neededBytes: needed, limitBytes: limit)
            case .badCache(let cause): .invalidRequest("\(cause).", param: cause.field, code: "invalid_value")
            case .badTimeToLive: .invalidRequest(text, param: "ttl", code: "invalid_value")
            case .unfit: .sessionFileRefused(text)
            case .stopping: .draining
            }
    }

    init(_ error: SessionFileError) {
        let text = Self.sentence("\(error)")
        self =
            switch error {
            case .badName: .badSessionFileName(text)
            case .notFound: .sessionFileNotFound(text)
            case .unwritable, .unreadable: .sessionFileFailed(text)
            case .damaged, .otherModel, .tooLarge: .sessionFileRefused(text)
            }
    }

    private static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() + "." }
}
