internal import Generation
internal import KVCaching
internal import Tokenization

/// What a key takes, what it is when nobody sets it, and what it means.
public struct ConfigurationDefinition: Sendable, Equatable {
    /// The form of a value, with its range.
    public enum Form: Sendable, Equatable {
        case text
        case count(ClosedRange<Int>)
        /// A number of bytes, with an optional suffix (`64KiB`, `2GiB`, `1MB`).
        case bytes(ClosedRange<Int>)
        /// `250ms`, `30s`, `5m`, `1h`.
        case duration(ClosedRange<Duration>)
        /// A decimal number between 0 and 1.
        case ratio
        case choice([String])
        /// One of the words, or the path of a file with this ending.
        case choiceOrFile([String], ending: String)
        case flag
    }

    public let form: Form
    /// The value when nobody sets the key; nil where absence has its own meaning, which `meaning` states.
    public let fallback: String?
    /// One sentence for `--help`, README and the sample file.
    public let meaning: String

    init(_ form: Form, _ fallback: String?, _ meaning: String) {
        self.form = form
        self.fallback = fallback
        self.meaning = meaning
    }

    static func of(_ key: ConfigurationKey) -> ConfigurationDefinition {
        switch key {
        case .model, .modelName, .chatTemplate, .contextTokens, .threads: model(key)
        case .kvPoolBytes, .kvPolicy, .kvBudgetRatio, .kvBudgetTokens, .kvRecentRatio, .kvSinkTokens, .kvStorage:
            cache(key)
        case .prefixSharing, .prefixIdleBytes: prefixes(key)
        case .sessionsMax, .sessionTTL, .sessionTTLMax, .sessionLifetime, .sessionSavePath: sessions(key)
        case .maxSequences, .maxQueue, .queueTimeout, .rowsPerStep, .overloadStatus: scheduling(key)
        case .onPoolFull, .apiKeysFile, .corsOrigins, .tlsCertificate, .tlsKey, .metricsListen, .metricsCompat:
            operation(key)
        default: front(key)
        }
    }

    private static func model(_ key: ConfigurationKey) -> ConfigurationDefinition {
        switch key {
        case .model:
            .init(.text, nil, "GGUF file, Hugging Face folder or hf:OWNER/NAME[:FILE]; the built-in model if absent.")
        case .modelName: .init(.text, nil, "Name of the model in the API; the file's or folder's name if absent.")
        case .chatTemplate:
            .init(
                .choiceOrFile(["auto"] + ChatTemplate.names, ending: ".jinja"), "auto",
                "Chat format by name, or a file *.jinja; auto is the model's own template, or plain where it has none."
            )
        case .contextTokens:
            .init(
                .count(1...16_777_216), nil,
                "Most tokens of prompt and answer together; the model's own limit if absent.")
        default: .init(.count(1...1024), nil, "Threads that compute; one per available core if absent.")
        }
    }

    private static func cache(_ key: ConfigurationKey) -> ConfigurationDefinition {
        switch key {
        case .kvPoolBytes:
            .init(
                .bytes(65_536...1 << 50), "1GiB",
                "Memory that all KV caches share; requests wait or are refused beyond it.")
        case .kvPolicy:
            .init(.choice(PolicyTable.names), "keyformer", "Eviction policy of requests that name none.")
        case .kvBudgetRatio:
            .init(.ratio, nil, "Default budget as a share of the prompt's tokens; excludes kv_budget_tokens.")
        case .kvBudgetTokens:
            .init(
                .count(1...16_777_216), nil,
                "Default budget in tokens per layer; without any default budget nothing is evicted.")
        case .kvRecentRatio:
            .init(
                .ratio, nil,
                "Share of the budget that holds the most recent tokens; the policy's own default if absent.")
        case .kvSinkTokens:
            .init(
                .count(0...1_048_576), nil, "First tokens that are never evicted; the policy's own default if absent.")
        default:
            .init(
                .choice(KVCacheRequest.storages), "f16",
                "How cached keys and values are stored: f16, f32, bf16, q8 (8.5 bits a number) or q4 (4.5 bits).")
        }
    }

    private static func prefixes(_ key: ConfigurationKey) -> ConfigurationDefinition {
        switch key {
        case .prefixSharing:
            .init(.flag, "true", "Read what prompts of one API key begin with in common only once, and hold it once.")
        default:
            .init(
                .bytes(0...1 << 50), nil,
                "Most memory of the pool that such beginnings take while no request uses them; all that is free if "
                    + "absent.")
        }
    }

    private static func sessions(_ key: ConfigurationKey) -> ConfigurationDefinition {
        let time = Duration.seconds(1)...(.seconds(315_360_000))
        return switch key {
        case .sessionsMax: .init(.count(1...1_048_576), "1024", "Sessions at the same time.")
        case .sessionTTL:
            .init(.duration(time), "30m", "Time after which an unused session ends that does not say.")
        case .sessionTTLMax: .init(.duration(time), "24h", "Longest such time that a session may ask for.")
        case .sessionLifetime: .init(.duration(time), "168h", "Age at which every session ends.")
        default:
            .init(
                .text, nil, "Folder in which sessions are saved and from which they are restored; neither if absent.")
        }
    }

    private static func scheduling(_ key: ConfigurationKey) -> ConfigurationDefinition {
        switch key {
        case .maxSequences: .init(.count(1...65_536), "64", "Sequences that run at the same time.")
        case .maxQueue:
            .init(.count(0...1_048_576), "256", "Sequences that wait; more are refused with overload_status.")
        case .queueTimeout:
            .init(
                .duration(.milliseconds(1)...(.seconds(86_400))), "5m",
                "Longest wait for a place before a request is given up.")
        case .rowsPerStep:
            .init(
                .count(1...65_536), "256", "Prompt rows through all layers that one step may compute beside decoding.")
        default: .init(.choice(["429", "503"]), "429", "HTTP status of a refusal for lack of room.")
        }
    }

    private static func front(_ key: ConfigurationKey) -> ConfigurationDefinition {
        let time = Duration.milliseconds(1)...(.seconds(86_400))
        return switch key {
        case .host: .init(.text, "127.0.0.1", "Address to listen on.")
        case .port:
            .init(.count(0...65_535), "8080", "Port to listen on; 0 takes a free one, which the start-up text names.")
        case .maxConnections: .init(.count(1...1_048_576), "1024", "Open client connections.")
        case .maxConnectionsPerAddress:
            .init(
                .count(0...1_048_576), nil,
                "Those of one address, of IPv6 of one /64; half of max_connections if absent, 0 is no limit, as behind "
                    + "a proxy on another machine. Addresses of this machine have none.")
        case .maxBodyBytes: .init(.bytes(1024...(16 << 20)), "16MiB", "Largest request body; a larger one is a 413.")
        case .maxHeaderBytes: .init(.bytes(1024...(408 << 10)), "64KiB", "Largest request head; a larger one is a 431.")
        case .requestTimeout:
            .init(.duration(time), "30s", "From the first byte of a request to the last byte of its body.")
        case .idleTimeout: .init(.duration(time), "75s", "How long a connection may stay open between requests.")
        case .writeStallTimeout:
            .init(.duration(time), "30s", "A client that takes nothing for this long while bytes wait is cut off.")
        case .drainGrace:
            .init(
                .duration(.zero...(.seconds(86_400))), "30s", "Time that running requests get after SIGTERM or SIGINT.")
        case .ssePing:
            .init(
                .duration(.zero...(.seconds(3600))), "15s",
                "Silence in a stream after which a comment line is sent; 0s sends none.")
        case .strictFields: .init(.flag, "false", "Refuse unknown top-level request fields instead of ignoring them.")
        case .logLevel:
            .init(
                .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), "info",
                "Least severe level that is logged.")
        default:
            .init(
                .choice(["auto", "text", "json"]), "auto", "Log lines as text or JSON; auto writes text to a terminal.")
        }
    }
}
