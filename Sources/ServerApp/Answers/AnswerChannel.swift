internal import CompletionAPI
internal import Generation
internal import HTTPFront
internal import Serving

/// The way back to one client: the exchange, the request that computes for it, and what is reported at the end.
struct AnswerChannel: Sendable {
    let exchange: HTTPExchange
    let call: ClientCall
    let report: RequestReport
    let caller: Caller
    /// What lets a page of another origin read the answer, and what the key has left of its limit.
    let moreHeaders: [(String, String)]

    /// Headers of every answer.
    private var commonHeaders: [(String, String)] {
        [("x-request-id", report.identity.requestID)] + moreHeaders
    }

    /// A whole answer, which ends the request.
    func respond(status: Int, contentType: String, body: [UInt8], headers: [(String, String)] = []) {
        report.answered(status: status)
        exchange.respond(status: status, headers: [("content-type", contentType)] + commonHeaders + headers, body: body)
        report.complete()
    }

    func respond(json body: [UInt8], headers: [(String, String)] = []) {
        respond(status: 200, contentType: "application/json", body: body, headers: headers)
    }

    func respond(_ error: APIError) {
        respond(status: error.status, contentType: "application/json", body: error.body(), headers: error.headers)
    }

    /// Starts an event stream. Proxies are asked not to hold it back.
    func startEvents(headers: [(String, String)]) -> HTTPStream {
        report.answered(status: 200)
        let fixed = [
            ("content-type", ServerSentEvents.contentType), ("cache-control", "no-cache"), ("x-accel-buffering", "no"),
        ]
        return exchange.startStream(status: 200, headers: fixed + commonHeaders + headers)
    }

    /// What the server decided about the cache, known before the first token.
    static func cacheHeaders(_ caches: [ResolvedCache]) -> [(String, String)] {
        guard let first = caches.first else { return [] }
        return [("x-kv-policy", first.policy), ("x-kv-budget-tokens", "\(first.budgetTokens)")]
    }
}
