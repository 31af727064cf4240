internal import Credentials
internal import Decoding
internal import Generation
internal import KVCaching
internal import Kernels
internal import Tokenization

/// What the server says when it is ready.
enum Banner {
    /// Several lines; the last one holds the address.
    static func text(
        _ model: LoadedModel, _ configuration: ServerConfiguration, port: Int, metricsPort: Int?
    ) -> String {
        let metrics = configuration.operation.metricsListen.map { address in
            "  metrics    \(Self.address(address.host, metricsPort ?? address.port))/metrics"
        }
        let threads = configuration.model.threads ?? ProcessEnvironment.availableCores()
        let pool = ConfigurationText.byteText(configuration.kvPoolBytes)
        let family = model.decoder.configuration.family
        let lines: [String?] = [
            ProductVersion.text,
            "  model      \(model.name) (\(family), \(model.weightTypes.joined(separator: " ")))",
            "  context    \(model.contextTokens) tokens, chat format: \(model.chat.name)",
            "  compute    \(KernelTable.best.isa), \(threads) \(threads == 1 ? "thread" : "threads")",
            "  KV cache   \(model.kvBytesPerToken) bytes per token, pool \(pool)\(sessions(model, configuration))",
            "  API keys   \(keys(configuration.operation.keys))",
            metrics,
            "listening on \(address(configuration.front.host, port, configuration.operation.tls != nil))",
        ]
        return lines.compactMap(\.self).joined(separator: "\n") + "\n"
    }

    private static func keys(_ ring: KeyRing?) -> String {
        guard let ring else { return "none: whoever reaches the address may use it" }
        return "\(ring.keys.count); without one only /live, /ready and /health answer"
    }

    /// The pool in numbers a person can use.
    private static func sessions(_ model: LoadedModel, _ configuration: ServerConfiguration) -> String {
        let tokens = min(4096, model.contextTokens)
        var half = KVCacheRequest()
        half.policy = "keyformer"
        half.budget = .ratio(millionths: 500_000)
        guard
            let capacity = try? Capacity(
                half, defaults: configuration.cacheDefaults, tokens: tokens, newTokens: min(256, tokens / 4),
                model: model,
                poolBytes: configuration.kvPoolBytes)
        else { return "" }
        return ": \(capacity.sequences) requests of \(tokens) tokens at a budget of 50 %"
    }

    private static func address(_ host: String, _ port: Int, _ isSecure: Bool = false) -> String {
        if host.hasPrefix("unix:") { return host }
        let authority = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        return "\(isSecure ? "https" : "http")://\(authority):\(port)"
    }
}
