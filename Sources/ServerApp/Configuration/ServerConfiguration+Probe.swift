extension ServerConfiguration {
    /// Where a server with this configuration answers probes.
    public enum ProbeAddress: Sendable, Equatable {
        case http(host: String, port: Int)
        /// A socket in the file system: `unix:/path`.
        case socket(String)
        /// The only listener speaks TLS.
        case encrypted
    }

    /// The listener for metrics where there is one, else the main one. A server that listens on all addresses is
    /// reached on the loopback one.
    public var probeAddress: ProbeAddress {
        if operation.metricsListen == nil, operation.tls != nil { return .encrypted }
        let host = operation.metricsListen?.host ?? front.host
        if host.hasPrefix("unix:") { return .socket(host) }
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        return .http(
            host: ["0.0.0.0": "127.0.0.1", "::": "::1"][bare] ?? bare, port: operation.metricsListen?.port ?? front.port
        )
    }
}
