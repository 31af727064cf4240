/// How many sessions there may be, and for how long.
public struct SessionLimits: Sendable, Equatable {
    /// Most sessions at once.
    public var most = 1024
    /// Idle time after which a session ends that does not say.
    public var timeToLive = Duration.seconds(1800)
    /// Longest idle time that a session may ask for.
    public var longestTimeToLive = Duration.seconds(86_400)
    /// Age at which every session ends.
    public var lifetime = Duration.seconds(7 * 86_400)

    public init() {}
}
