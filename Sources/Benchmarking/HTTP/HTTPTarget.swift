/// Where a server listens: `http://host:port`.
public struct HTTPTarget: Sendable, Equatable, CustomStringConvertible {
    public let host: String
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// A URL of a server without path, or with the path `/` or `/v1`; the port is 80 if absent.
    public init(parsing text: String) throws(BenchmarkError) {
        let prefix = "http://"
        guard text.hasPrefix(prefix) else { throw .badURL(text) }
        var rest = text.dropFirst(prefix.count)
        if let slash = rest.firstIndex(of: "/") {
            guard ["/", "/v1", "/v1/"].contains(rest[slash...]) else { throw .badURL(text) }
            rest = rest[..<slash]
        }
        var host = String(rest)
        var port = 80
        // An IPv6 address stands in brackets.
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("]") {
            guard let number = Int(rest[rest.index(after: colon)...]), (1...65535).contains(number) else {
                throw .badURL(text)
            }
            port = number
            host = String(rest[..<colon])
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let isAddress = host.utf8.allSatisfy { byte in
            byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ":")
                || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard !host.isEmpty, isAddress else { throw .badURL(text) }
        self.init(host: host, port: port)
    }

    public var description: String { "http://\(authority)" }

    /// What the `Host` header says.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The bytes of a GET.
    func get(_ path: String, headers: [(name: String, value: String)] = []) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: \(authority)\r\n\(Self.lines(headers))\r\n".utf8)
    }

    /// The bytes of a POST of JSON.
    func post(_ path: String, json: [UInt8], headers: [(name: String, value: String)] = []) -> [UInt8] {
        let head = """
            POST \(path) HTTP/1.1\r
            Host: \(authority)\r
            Content-Type: application/json\r
            Content-Length: \(json.count)\r

            """
        return Array((head + Self.lines(headers) + "\r\n").utf8) + json
    }

    private static func lines(_ headers: [(name: String, value: String)]) -> String {
        headers.map { "\($0.name): \($0.value)\r\n" }.joined()
    }
}
