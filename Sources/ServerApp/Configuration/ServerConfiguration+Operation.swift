internal import Credentials
internal import Generation
internal import HTTPFront

extension ServerConfiguration {
    /// Who may use the server, from where, and what it shows.
    public struct Operation: Sendable, Equatable {
        /// nil: nobody needs a key.
        let keys: KeyRing?
        /// What a request gets that says nothing about it.
        let onPoolFull: PoolFullChoice
        /// The second listener, nil where there is none.
        let metricsListen: ListenAddress?
        /// Metrics under vLLM's names too.
        public let showsVLLMMetrics: Bool
        let tls: TLSFiles?
        let origins: AllowedOrigins
    }

    /// Paths of a certificate chain and its key.
    struct TLSFiles: Sendable, Equatable {
        let certificate: String
        let key: String
    }

    static func operation(_ layers: ConfigurationLayers) throws(ConfigurationError) -> Operation {
        let choice = try layers.text(.onPoolFull) ?? ""
        var keys: KeyRing?
        if let entries = layers.keys {
            do {
                keys = try KeyRing(entries)
            } catch {
                throw .badEntry("api_keys", expected: "without repetitions: \(error)", origin: .builtIn)
            }
        }
        return Operation(
            keys: keys, onPoolFull: PoolFullChoice(rawValue: choice) ?? .queue,
            metricsListen: try read(
                .metricsListen, layers, "ADDRESS:PORT with a numeric address or localhost, or unix:/PATH"
            ) { ListenAddress($0) },
            showsVLLMMetrics: try layers.text(.metricsCompat) == "vllm", tls: try tls(layers),
            origins: try read(.corsOrigins, layers, "* or origins such as https://example.org, separated by commas") {
                AllowedOrigins($0)
            } ?? AllowedOrigins())
    }

    private static func tls(_ layers: ConfigurationLayers) throws(ConfigurationError) -> TLSFiles? {
        switch (try layers.text(.tlsCertificate), try layers.text(.tlsKey)) {
        case (nil, nil): return nil
        case (let certificate?, let key): return TLSFiles(certificate: certificate, key: key ?? certificate)
        default: throw .conflict(.tlsKey, .tlsCertificate, reason: "a key is nothing without a certificate")
        }
    }

    /// The value of a key as `read` understands it; nil where it has none.
    static func read<Value>(
        _ key: ConfigurationKey, _ layers: ConfigurationLayers, _ expected: String, _ read: (String) -> Value?
    ) throws(ConfigurationError) -> Value? {
        guard let text = try layers.text(key), let entry = layers[key] else { return nil }
        guard let value = read(text) else {
            throw .badValue(key, value: text, expected: expected, origin: entry.origin)
        }
        return value
    }
}

/// Where to listen.
struct ListenAddress: Sendable, Equatable {
    let host: String
    let port: Int

    /// `127.0.0.1:9090`, `[::1]:9090`, `localhost:0` or `unix:/path`.
    init?(_ text: String) {
        if text.hasPrefix("unix:/") {
            (host, port) = (text, 0)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), colon > text.startIndex
        else { return nil }
        let host = String(text[..<colon])
        guard !host.contains(":") || host.hasPrefix("[") && host.hasSuffix("]") else { return nil }
        guard FrontAddress.isHost(host) else { return nil }
        (self.host, self.port) = (host, port)
    }

    /// Nobody but this machine can reach it.
    static func isLocal(host: String) -> Bool {
        host.hasPrefix("unix:") || host == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]"
    }
}
