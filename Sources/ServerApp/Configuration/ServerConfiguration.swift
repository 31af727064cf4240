public import Generation
internal import HTTPFront
internal import KVCaching

/// Everything the server can be told, validated once: past this point nobody checks again.
public struct ServerConfiguration: Sendable, Equatable {
    /// Which model to serve and how to speak to it.
    public struct Model: Sendable, Equatable {
        /// GGUF file or folder; nil is the built-in model.
        public let path: String?
        /// Name in the API; nil takes the file's.
        public let name: String?
        /// Name of a chat format; nil recognises the model's own.
        public let chatTemplate: String?
        /// Most tokens of prompt and answer; nil is the model's own limit.
        public let contextTokens: Int?
        /// Computing threads; nil is one per available core.
        public let threads: Int?
    }

    /// The HTTP side's limits.
    public struct Front: Sendable, Equatable {
        public let host: String
        public let port: Int
        public let maxConnections: Int
        /// 0: no limit.
        public let maxConnectionsPerAddress: Int
        public let maxBodyBytes: Int
        public let maxHeaderBytes: Int
        public let requestTimeout: Duration
        public let idleTimeout: Duration
        public let writeStallTimeout: Duration
        public let drainGrace: Duration
        /// Silence after which a stream gets a comment line; nil sends none.
        public let ssePing: Duration?
        public let strictFields: Bool
    }

    /// What runs, what waits, what is refused.
    public struct Admission: Sendable, Equatable {
        public let maxSequences: Int
        public let maxQueue: Int
        public let queueTimeout: Duration
        public let rowsPerStep: Int
        /// 429 or 503.
        public let overloadStatus: Int
    }

    /// How many sessions there may be, for how long, and where they are saved.
    public struct Sessions: Sendable, Equatable {
        public let most: Int
        public let timeToLive: Duration
        public let longestTimeToLive: Duration
        public let lifetime: Duration
        /// nil: sessions are not saved.
        public let savePath: String?
    }

    /// Whether prompts share their beginnings.
    public struct Prefixes: Sendable, Equatable {
        public let isOn: Bool
        /// nil: what is free.
        public let mostIdleBytes: Int?
    }

    public enum LogFormat: String, Sendable, Equatable { case auto, text, json }

    public let model: Model
    public let front: Front
    public let admission: Admission
    public let sessions: Sessions
    public let prefixes: Prefixes
    public let operation: Operation
    public let kvPoolBytes: Int
    /// The cache of a request that names nothing.
    public let cacheDefaults: KVCacheRequest
    public let logLevel: String
    public let logFormat: LogFormat
    /// The merged texts that this value was made of, for `--print-config`.
    public let layers: ConfigurationLayers

    /// Where `load` read it from; nil for one that was made otherwise.
    var source: Source?

    /// What `load` was given.
    struct Source: Sendable, Equatable {
        let file: String?
        let arguments: [ConfigurationKey: String]
    }

    /// `KEYHOLD_*` variables that are no setting; worth a warning.
    public let unknownVariables: [String]

    /// Reads the file, where one is named, then the environment, then `arguments`, and checks the result.
    public static func load(file: String?, arguments: [ConfigurationKey: String]) throws(ConfigurationError)
        -> ServerConfiguration
    {
        var layers = ConfigurationLayers()
        if let file { try layers.merge(yaml: try text(ofFile: file), path: file) }
        let unknown = layers.merge(environment: ProcessEnvironment.variables())
        layers.merge(arguments: arguments)
        if let file = layers[.apiKeysFile]?.text {
            try layers.merge(keysYAML: try text(ofFile: file), path: file)
        }
        var configuration = try ServerConfiguration(layers, unknownVariables: unknown)
        configuration.source = Source(file: file, arguments: arguments)
        return configuration
    }

    /// Reads file and environment again, under the same arguments.
    func reloaded() throws(ConfigurationError) -> ServerConfiguration {
        guard let source else { return self }
        return try Self.load(file: source.file, arguments: source.arguments)
    }

    private static func text(ofFile path: String) throws(ConfigurationError) -> String {
        do {
            return try TextFile.read(path, limit: 1 << 20)
        } catch {
            throw .unreadableFile(path: path, reason: error.reason)
        }
    }

    /// Checks every key of `layers`.
    public init(_ layers: ConfigurationLayers, unknownVariables: [String] = []) throws(ConfigurationError) {
        self.layers = layers
        self.unknownVariables = unknownVariables
        model = try Self.model(layers)
        front = try Self.front(layers)
        admission = try Self.admission(layers)
        sessions = try Self.sessions(layers)
        prefixes = Prefixes(
            isOn: try layers.flag(.prefixSharing) ?? true, mostIdleBytes: try layers.bytes(.prefixIdleBytes))
        operation = try Self.operation(layers)
        kvPoolBytes = try layers.bytes(.kvPoolBytes) ?? 0
        cacheDefaults = try Self.cacheDefaults(layers)
        logLevel = try layers.text(.logLevel) ?? "info"
        logFormat = LogFormat(rawValue: try layers.text(.logFormat) ?? "") ?? .auto
    }

    /// Every key with its value as a configuration file would say it, one a line; unset keys as comments.
    public var printed: String {
        ConfigurationKey.allCases.map { key in
            guard let entry = layers[key] else { return "# \(key.rawValue):  (\(key.definition.meaning))\n" }
            return "\(key.rawValue): \(Self.quoted(entry.text))  # \(entry.origin)\n"
        }.joined() + layers.printedKeys
    }

    /// Plain words and numbers stay bare; anything else becomes a double-quoted YAML scalar.
    private static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy {
            (48...57).contains($0) || (97...122).contains($0 | 32) || [45, 46, 47, 95].contains($0)
        }
        if plain, !text.isEmpty, text.lowercased() != "null" { return text }
        let escaped = text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\t": "\\t"
            default: scalar.value < 32 ? " " : String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }

    private static func model(_ layers: ConfigurationLayers) throws(ConfigurationError) -> Model {
        let template = try layers.text(.chatTemplate)
        return Model(
            path: try layers.text(.model), name: try layers.text(.modelName),
            chatTemplate: template == "auto" ? nil : template,
            contextTokens: try layers.count(.contextTokens), threads: try layers.count(.threads))
    }

    private static func front(_ layers: ConfigurationLayers) throws(ConfigurationError) -> Front {
        let ping = try layers.duration(.ssePing) ?? .zero
        let connections = try layers.count(.maxConnections) ?? 0
        return Front(
            host: try read(.host, layers, "a numeric address, localhost or unix:/PATH") {
                FrontAddress.isHost($0) ? $0 : nil
            } ?? "",
            port: try layers.count(.port) ?? 0,
            maxConnections: connections,
            maxConnectionsPerAddress: try layers.count(.maxConnectionsPerAddress) ?? max(1, connections / 2),
            maxBodyBytes: try layers.bytes(.maxBodyBytes) ?? 0,
            maxHeaderBytes: try layers.bytes(.maxHeaderBytes) ?? 0,
            requestTimeout: try layers.duration(.requestTimeout) ?? .zero,
            idleTimeout: try layers.duration(.idleTimeout) ?? .zero,
            writeStallTimeout: try layers.duration(.writeStallTimeout) ?? .zero,
            drainGrace: try layers.duration(.drainGrace) ?? .zero,
            ssePing: ping == .zero ? nil : ping,
            strictFields: try layers.flag(.strictFields) ?? false)
    }

    private static func admission(_ layers: ConfigurationLayers) throws(ConfigurationError) -> Admission {
        Admission(
            maxSequences: try layers.count(.maxSequences) ?? 0, maxQueue: try layers.count(.maxQueue) ?? 0,
            queueTimeout: try layers.duration(.queueTimeout) ?? .zero, rowsPerStep: try layers.count(.rowsPerStep) ?? 0,
            overloadStatus: try layers.text(.overloadStatus) == "503" ? 503 : 429)
    }

    private static func sessions(_ layers: ConfigurationLayers) throws(ConfigurationError) -> Sessions {
        let sessions = Sessions(
            most: try layers.count(.sessionsMax) ?? 0, timeToLive: try layers.duration(.sessionTTL) ?? .zero,
            longestTimeToLive: try layers.duration(.sessionTTLMax) ?? .zero,
            lifetime: try layers.duration(.sessionLifetime) ?? .zero, savePath: try layers.text(.sessionSavePath))
        guard sessions.timeToLive <= sessions.longestTimeToLive else {
            throw .conflict(.sessionTTL, .sessionTTLMax, reason: "the default is longer than what is allowed")
        }
        return sessions
    }

    private static func cacheDefaults(_ layers: ConfigurationLayers) throws(ConfigurationError) -> KVCacheRequest {
        let ratio = try layers.ratio(.kvBudgetRatio)
        let tokens = try layers.count(.kvBudgetTokens)
        if ratio != nil, tokens != nil {
            throw .conflict(.kvBudgetRatio, .kvBudgetTokens, reason: "set one of the two")
        }
        if let entry = layers[.kvBudgetRatio], ratio == 0 {
            throw .badValue(.kvBudgetRatio, value: entry.text, expected: "more than 0", origin: entry.origin)
        }
        var request = KVCacheRequest()
        request.policy = try layers.text(.kvPolicy)
        request.budget = ratio.map { .ratio(millionths: $0) } ?? tokens.map { .tokens($0) }
        request.recentRatioMillionths = try layers.ratio(.kvRecentRatio)
        request.sinkTokens = try layers.count(.kvSinkTokens)
        request.storage = try layers.text(.kvStorage)
        try checkRoom(request, tokens)
        return request
    }
    /// Defaults that no policy could follow would refuse every request that names nothing.
    private static func checkRoom(_ defaults: KVCacheRequest, _ budgetTokens: Int?) throws(ConfigurationError) {
        guard let budgetTokens else { return }
        let shape = CacheShape(layerCount: 1, kvHeads: 1, queryHeads: 1, headDim: 2, hiddenSize: 2)
        do throws(KVCacheRequestError) {
            _ = try PolicyTable.plan(
                KVCacheRequest(), defaults: defaults, promptTokens: budgetTokens + 1, maxNewTokens: 1, shape: shape,
                usesRoPE: true)
        } catch {
            throw .conflict(.kvSinkTokens, .kvBudgetTokens, reason: error.message)
        }
    }
}
