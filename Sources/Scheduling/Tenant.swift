/// Whose sequences share one account: an API key, or everybody without one.
public struct Tenant: Sendable, Hashable {
    /// Small and stable; decides whose account it is.
    public let id: Int
    /// Share of the machine against others that want it at the same time.
    public let weight: Double
    /// Most bytes of KV cache that it holds at once; nil is the whole pool.
    public let mostBytes: Int?
    /// Most sequences that it runs at once; nil is every seat.
    public let mostSequences: Int?

    /// Everybody without a key.
    public static let anonymous = Tenant(id: 0)

    /// Requires a positive weight and positive limits.
    public init(id: Int, weight: Double = 1, mostBytes: Int? = nil, mostSequences: Int? = nil) {
        precondition(weight > 0 && weight.isFinite, "tenant \(id) has the weight \(weight)")
        precondition((mostBytes ?? 1) > 0 && (mostSequences ?? 1) > 0, "tenant \(id) may hold nothing")
        (self.id, self.weight) = (id, weight)
        (self.mostBytes, self.mostSequences) = (mostBytes, mostSequences)
    }
}
