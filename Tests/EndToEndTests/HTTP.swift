import Glibc
import JSON
import TestSupport
import Testing

/// HTTP from the outside: exact bytes over a socket, answers as JSON.
extension ServerUnderTest {
    /// A connection of its own for one exchange.
    func client() throws -> SocketClient {
        let client = try SocketClient(port: port)
        client.timeout = .seconds(300)
        return client
    }

    func get(_ path: String) throws -> SocketResponse {
        try client().exchange("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
    }

    func post(_ path: String, _ body: String) throws -> SocketResponse {
        try post(path, Array(body.utf8))
    }

    func post(_ path: String, _ body: [UInt8]) throws -> SocketResponse {
        let client = try client()
        try client.send(Self.request(path, body))
        return try client.readResponse()
    }

    /// Head and body of a POST.
    static func request(_ path: String, _ body: [UInt8]) -> [UInt8] {
        let head = """
            POST \(path) HTTP/1.1\r
            Host: test\r
            Content-Type: application/json\r
            Content-Length: \(body.count)\r
            \r

            """
        return Array(head.utf8) + body
    }

    func complete(_ body: JSONValue) throws -> Answer {
        Answer(try post("/v1/completions", body.serialized()))
    }

    func chat(_ body: JSONValue) throws -> Answer {
        Answer(try post("/v1/chat/completions", body.serialized()))
    }

    /// The value of a metric without labels, or with exactly these.
    func metric(_ name: String) throws -> Double? {
        let line = try get("/metrics").text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    /// Waits until no sequence runs or waits, and returns the bytes that caches still hold.
    func idlePoolBytes() throws -> Double? {
        for _ in 0..<500 {
            let text = try get("/metrics").text
            let isIdle =
                text.contains("\nkeyhold_requests_running 0\n") && text.contains("\nkeyhold_requests_waiting 0\n")
            if isIdle { break }
            sleepMilliseconds(20)
        }
        return try metric("keyhold_kv_pool_bytes{state=\"used\"}")
    }
}

/// An answer with its JSON taken apart.
struct Answer {
    let response: SocketResponse
    let json: JSONValue

    init(_ response: SocketResponse) {
        self.response = response
        json = (try? JSONValue(parsing: response.body, limits: .file)) ?? .null
    }

    var status: Int { response.status }

    /// The member at a path of keys and indices.
    subscript(_ path: PathElement...) -> JSONValue { path.reduce(json) { $1.value(in: $0) } }

    enum PathElement: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
        case key(String), index(Int)
        init(stringLiteral value: String) { self = .key(value) }
        init(integerLiteral value: Int) { self = .index(value) }

        func value(in json: JSONValue) -> JSONValue {
            switch self {
            case .key(let key): json.asObject?[key] ?? .null
            case .index(let index): json.asArray.flatMap { $0.indices.contains(index) ? $0[index] : nil } ?? .null
            }
        }
    }

    var text: String { self["choices", 0, "text"].asString ?? "" }
    var content: String { self["choices", 0, "message", "content"].asString ?? "" }
    /// What must be equal between two runs of the same request: texts, logprobs, reasons.
    var choices: JSONValue { self["choices"] }
}

/// The events of a stream.
struct EventStream {
    let response: SocketResponse
    /// Payloads of `data:` lines, `[DONE]` left out.
    let chunks: [JSONValue]
    let isDone: Bool
    /// Lines that are neither data nor empty nor comments.
    let strangeLines: [String]

    init(_ response: SocketResponse) {
        self.response = response
        var chunks: [JSONValue] = []
        var isDone = false
        var strange: [String] = []
        for line in response.text.split(separator: "\n") {
            if line == "data: [DONE]" {
                isDone = true
            } else if line.hasPrefix("data: "),
                let json = try? JSONValue(parsing: Array(line.dropFirst(6).utf8), limits: .file)
            {
                if isDone { strange.append("after [DONE]: \(line)") }
                chunks.append(json)
            } else if !line.hasPrefix(":") {
                strange.append(String(line))
            }
        }
        (self.chunks, self.isDone, strangeLines) = (chunks, isDone, strange)
    }

    /// Text of one choice, completions and chat alike.
    func text(choice: Int = 0) -> String {
        chunks.flatMap { $0.asObject?["choices"]?.asArray ?? [] }
            .filter { $0.asObject?["index"]?.asInt == choice }
            .map { $0.asObject?["text"]?.asString ?? $0.asObject?["delta"]?.asObject?["content"]?.asString ?? "" }
            .joined()
    }
}

func sleepMilliseconds(_ milliseconds: Int) {
    var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: (milliseconds % 1000) * 1_000_000)
    unsafe nanosleep(&time, nil)
}
