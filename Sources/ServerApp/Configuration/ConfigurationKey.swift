/// Every setting of the server. One name serves all three sources: `kv_pool_bytes` in the file is
/// `KEYHOLD_KV_POOL_BYTES` in the environment and `--kv-pool-bytes` on the command line.
public enum ConfigurationKey: String, CaseIterable, Sendable {
    case model
    case modelName = "model_name"
    case chatTemplate = "chat_template"
    case contextTokens = "context_tokens"
    case threads

    case host
    case port
    case maxConnections = "max_connections"
    case maxConnectionsPerAddress = "max_connections_per_address"
    case maxBodyBytes = "max_body_bytes"
    case maxHeaderBytes = "max_header_bytes"
    case requestTimeout = "request_timeout"
    case idleTimeout = "idle_timeout"
    case writeStallTimeout = "write_stall_timeout"
    case drainGrace = "drain_grace"
    case ssePing = "sse_ping"
    case strictFields = "strict_fields"

    case kvPoolBytes = "kv_pool_bytes"
    case kvPolicy = "kv_policy"
    case kvBudgetRatio = "kv_budget_ratio"
    case kvBudgetTokens = "kv_budget_tokens"
    case kvRecentRatio = "kv_recent_ratio"
    case kvSinkTokens = "kv_sink_tokens"
    case kvStorage = "kv_storage"

    case prefixSharing = "prefix_sharing"
    case prefixIdleBytes = "prefix_idle_bytes"

    case sessionsMax = "sessions_max"
    case sessionTTL = "session_ttl"
    case sessionTTLMax = "session_ttl_max"
    case sessionLifetime = "session_lifetime"
    case sessionSavePath = "session_save_path"

    case maxSequences = "max_sequences"
    case maxQueue = "max_queue"
    case queueTimeout = "queue_timeout"
    case rowsPerStep = "rows_per_step"
    case overloadStatus = "overload_status"

    case onPoolFull = "on_pool_full"

    case apiKeysFile = "api_keys_file"
    case corsOrigins = "cors_origins"
    case tlsCertificate = "tls_certificate"
    case tlsKey = "tls_key"
    case metricsListen = "metrics_listen"
    case metricsCompat = "metrics_compat"

    case logLevel = "log_level"
    case logFormat = "log_format"

    /// `KEYHOLD_` and the name in capitals.
    public var environmentName: String { "KEYHOLD_" + rawValue.uppercased() }

    /// The long option: the name with hyphens.
    public var argumentName: String { String(rawValue.map { $0 == "_" ? "-" : $0 }) }

    /// Shape of the value, default and meaning.
    public var definition: ConfigurationDefinition { ConfigurationDefinition.of(self) }
}
