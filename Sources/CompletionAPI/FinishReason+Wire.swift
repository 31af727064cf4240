internal import Generation

extension FinishReason {
    /// The contract knows `stop` and `length` only. An answer cut short by its deadline or by a cancellation is
    /// `length`: the client must not take it for complete. `stop_reason` tells them apart.
    var wireName: String {
        switch self {
        case .stop: "stop"
        case .length, .cancelled, .deadline, .error: "length"
        }
    }

    /// The value of `stop_reason`.
    func wireStopReason(_ stopReason: String?) -> String? {
        switch self {
        case .stop, .length: stopReason
        case .cancelled: "cancelled"
        case .deadline: "deadline"
        case .error: "error"
        }
    }
}
