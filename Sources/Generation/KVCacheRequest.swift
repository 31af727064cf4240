/// The size a request asks for; at most one of the API's `budget_*` fields.
public enum KVBudgetRequest: Sendable, Equatable {
    /// `budget_ratio`: share of the prompt's tokens, in millionths so that 0.29 is exactly 0.29. In 1...1_000_000.
    case ratio(millionths: Int)
    /// `budget_tokens`: slots per layer and KV head.
    case tokens(Int)
    /// `budget_bytes`: bytes of the whole pruned cache, all layers.
    case bytes(Int)
}

/// A value of `kv_cache.policy_params`.
public enum PolicyParameter: Sendable, Equatable {
    case number(Double)
    case integer(Int)
    case text(String)
    case flag(Bool)
}

/// The request object `kv_cache` as the client sent it; nil means the server's default.
/// Field names, types and the range of each number are checked; whether policy and parameters go together
/// is decided by the policy table of `KVCaching`.
public struct KVCacheRequest: Sendable, Equatable {
    public var policy: String?
    public var budget: KVBudgetRequest?
    /// Share of the budget that is the recent window, in millionths, 0...1_000_000.
    public var recentRatioMillionths: Int?
    public var sinkTokens: Int?
    /// One of `storages`.
    public var storage: String?
    public var policyParameters: [String: PolicyParameter] = [:]
    /// What happens when there is no room now.
    public var onPoolFull: PoolFullChoice?
    /// Smallest budget that `shrink` may leave.
    public var minBudgetTokens: Int?

    public init() {}

    /// How keys and values can be stored, the default first.
    public static let storages = ["f16", "f32", "bf16", "q8", "q4"]
}
