/// How far a key is from its limit of requests per minute.
public struct RequestStanding: Sendable, Equatable {
    /// Requests that may come at once after a pause.
    public let limit: Int
    /// Requests that may come at once now.
    public let remaining: Int
    /// Until `remaining` is `limit` again, if none comes.
    public let reset: Duration
}
