/// The token of an `Authorization` header.
public enum BearerToken {
    /// Longest header that is looked at.
    static let mostBytes = 4096

    /// The token after `Bearer`, in any case and with any blanks around it (RFC 6750, section 2.1); nil where the
    /// header is absent, of another scheme, or without a token.
    public static func read(_ header: String?) -> Substring? {
        guard let header, header.utf8.count <= mostBytes else { return nil }
        let parts = header.split(maxSplits: 1, omittingEmptySubsequences: true) { $0 == " " || $0 == "\t" }
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        var token = parts[1].drop { $0 == " " || $0 == "\t" }
        while let last = token.last, last == " " || last == "\t" { token.removeLast() }
        return token.isEmpty ? nil : token
    }
}
