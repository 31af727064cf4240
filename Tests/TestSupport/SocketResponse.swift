/// One HTTP answer as a test sees it.
public struct SocketResponse: Sendable, Equatable {
    public let status: Int
    public let reason: String
    /// Lines of the head, names in lower case.
    public let fieldLines: [String]
    public var body: [UInt8] = []

    /// Parses status line and header fields, given up to and including the empty line.
    public init(head: [UInt8]) throws {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        guard let parts = lines.first?.split(separator: " ", maxSplits: 2), parts.count >= 2,
            parts[0] == "HTTP/1.1", let status = Int(parts[1])
        else { throw SocketClientError.malformedResponse(String(decoding: head, as: UTF8.self)) }
        self.status = status
        reason = parts.count == 3 ? String(parts[2]) : ""
        fieldLines = lines.dropFirst().map { line in
            let pair = line.split(separator: ":", maxSplits: 1)
            return pair.count == 2 ? pair[0].lowercased() + ":" + pair[1] : String(line)
        }
    }

    /// The value of the first field of that name (lower case), without surrounding spaces.
    public func header(_ name: String) -> String? {
        headers(name).first
    }

    /// The values of all fields of that name (lower case).
    public func headers(_ name: String) -> [String] {
        fieldLines.filter { $0.hasPrefix(name + ":") }.map { line in
            String(line.dropFirst(name.count + 1).drop { $0 == " " })
        }
    }

    /// The body as text.
    public var text: String {
        String(decoding: body, as: UTF8.self)
    }
}
