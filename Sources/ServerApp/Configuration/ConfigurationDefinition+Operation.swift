internal import Generation

/// Who may use the server, from where, and what it shows.
extension ConfigurationDefinition {
    static func operation(_ key: ConfigurationKey) -> ConfigurationDefinition {
        switch key {
        case .apiKeysFile:
            .init(.text, nil, "YAML file with the list api_keys, beside that of this file; read again on SIGHUP.")
        case .onPoolFull:
            .init(
                .choice(PoolFullChoice.allCases.map(\.rawValue)), "queue",
                "What happens to a request without room for its cache: wait, be refused, or get a smaller budget.")
        case .metricsListen:
            .init(
                .text, nil,
                "HOST:PORT or unix:/PATH for /metrics and /status alone; the main port then has neither.")
        case .metricsCompat:
            .init(.choice(["none", "vllm"]), "none", "vllm shows the metrics under vLLM's names too.")
        case .tlsCertificate:
            .init(.text, nil, "PEM file with the certificate chain; HTTPS if present. Read again on SIGHUP.")
        case .tlsKey:
            .init(.text, nil, "PEM file with the certificate's private key; the certificate's file if absent.")
        default:
            .init(
                .text, nil,
                "Origins, separated by commas, whose pages may call the server from a browser; * is every one.")
        }
    }
}
