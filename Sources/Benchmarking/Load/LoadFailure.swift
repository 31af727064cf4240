internal import JSON

/// Why a request has no whole answer.
struct LoadFailure: Sendable, Equatable {
    /// What failures are counted by: `429 kv_pool_exhausted`, `no connection`, `timeout`, …
    let kind: String
    /// The first words of what was said about it.
    let text: String

    static let noText = LoadFailure(kind: "no text", text: "the answer has no text")
    static let badEvent = LoadFailure(kind: "bad event", text: "an event is not a JSON object")

    /// An answer with another status than 200.
    static func status(_ status: Int, body: [UInt8]) -> LoadFailure {
        let code = (try? JSONValue(parsing: body, limits: .request)).flatMap(Self.code)
        return LoadFailure(
            kind: code.map { "\(status) \($0)" } ?? "\(status)",
            text: "\(status): \(String(decoding: body, as: UTF8.self))")
    }

    /// An error in the stream after its status was sent.
    static func event(_ event: JSONValue) -> LoadFailure {
        LoadFailure(
            kind: "error event \(code(event) ?? "without code")",
            text: String(decoding: event.serialized(), as: UTF8.self))
    }

    /// `error.code`, or `error.type` where there is none.
    private static func code(_ body: JSONValue) -> String? {
        let error = body.asObject?["error"]?.asObject
        return error?["code"]?.asString ?? error?["type"]?.asString
    }
}
