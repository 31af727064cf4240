/// The web pages that may call the server from a browser (CORS, https://fetch.spec.whatwg.org). None by default: a page
/// that a person visits must not reach the server on that person's machine.
struct AllowedOrigins: Sendable, Equatable {
    private let origins: Set<String>
    private let isEvery: Bool

    /// No page.
    init() { (origins, isEvery) = ([], false) }

    /// `*`, or origins separated by commas, each `http://` or `https://` with a host and perhaps a port.
    init?(_ text: String) {
        let parts = text.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() }
        guard !parts.isEmpty, parts == ["*"] || parts.allSatisfy(Self.isOrigin) else { return nil }
        isEvery = parts == ["*"]
        origins = isEvery ? [] : Set(parts)
    }

    private static func isOrigin(_ text: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else { return false }
        let authority = text.dropFirst(scheme.count)
        return !authority.isEmpty
            && authority.utf8.allSatisfy {
                (48...57).contains($0) || (97...122).contains($0) || "-._:[]".utf8.contains($0)
            }
    }

    /// Whether a request that a page sent must not be answered: it names an origin that is neither allowed nor the
    /// server's own. Programs name none.
    func refuses(origin: String?, host: String?) -> Bool {
        guard let origin, headers(origin: origin).isEmpty else { return false }
        guard let host, !host.isEmpty else { return true }
        return !["http://\(host)", "https://\(host)"].contains { $0.lowercased() == origin.lowercased() }
    }

    /// Headers of an answer to a page of this origin; none for a page that may not read it.
    func headers(origin: String?) -> [(String, String)] {
        guard let origin, isEvery || origins.contains(origin.lowercased()) else { return [] }
        let fixed = [
            (
                "access-control-expose-headers",
                "x-request-id, x-kv-policy, x-kv-budget-tokens, retry-after, x-session-id, "
                    + RateLimitHeaders.names.joined(separator: ", ")
            )
        ]
        if isEvery { return [("access-control-allow-origin", "*")] + fixed }
        return [("access-control-allow-origin", origin), ("vary", "Origin")] + fixed
    }

    /// More headers of the answer to a browser that asks before it sends `methods`; nil where it must not.
    func preflightHeaders(origin: String?, methods: [String]) -> [(String, String)]? {
        guard !headers(origin: origin).isEmpty else { return nil }
        return [
            ("access-control-allow-methods", methods.joined(separator: ", ")),
            ("access-control-allow-headers", "authorization, content-type, x-request-id, x-session-id"),
            ("access-control-max-age", "600"),
        ]
    }
}
