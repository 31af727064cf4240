internal import ArgumentParser
internal import ServerApp

/// The pool and the defaults of a request's KV cache.
struct CacheOptions: ParsableArguments {
    @Option(name: .customLong("kv-pool-bytes"), help: .key(.kvPoolBytes))
    var kvPoolBytes: String?

    @Option(name: .customLong("kv-policy"), help: .key(.kvPolicy))
    var kvPolicy: String?

    @Option(name: .customLong("kv-budget-ratio"), help: .key(.kvBudgetRatio))
    var kvBudgetRatio: String?

    @Option(name: .customLong("kv-budget-tokens"), help: .key(.kvBudgetTokens))
    var kvBudgetTokens: String?

    @Option(name: .customLong("kv-recent-ratio"), help: .key(.kvRecentRatio))
    var kvRecentRatio: String?

    @Option(name: .customLong("kv-sink-tokens"), help: .key(.kvSinkTokens))
    var kvSinkTokens: String?

    @Option(name: .customLong("kv-storage"), help: .key(.kvStorage))
    var kvStorage: String?

    @Option(name: .customLong("prefix-sharing"), help: .key(.prefixSharing))
    var prefixSharing: String?

    @Option(name: .customLong("prefix-idle-bytes"), help: .key(.prefixIdleBytes))
    var prefixIdleBytes: String?

    var given: [(ConfigurationKey, String?)] {
        [
            (.kvPoolBytes, kvPoolBytes), (.kvPolicy, kvPolicy), (.kvBudgetRatio, kvBudgetRatio),
            (.kvBudgetTokens, kvBudgetTokens), (.kvRecentRatio, kvRecentRatio), (.kvSinkTokens, kvSinkTokens),
            (.kvStorage, kvStorage), (.prefixSharing, prefixSharing), (.prefixIdleBytes, prefixIdleBytes),
        ]
    }
}
