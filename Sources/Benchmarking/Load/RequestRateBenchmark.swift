internal import Foundation
public import JSON

/// How many small requests a server answers per second: `/health`, and completions of one token.
public struct RequestRateBenchmark: Sendable {
    public var target: HTTPTarget
    /// Connections, each with one request at a time.
    public var connections: [Int]
    /// Seconds of one measurement.
    public var seconds = 2.0
    public var repetitions = 3
    /// Tokens of a completion's prompt.
    public var promptTokens = 1
    /// More fields of the completions' bodies, for other servers.
    public var extraFields: [(name: String, value: JSONValue)] = []

    public init(target: HTTPTarget, connections: [Int]) {
        self.target = target
        self.connections = connections
    }

    /// Measures both kinds of requests at each number of connections.
    public func run(product: String, command: [String]) throws(BenchmarkError) -> BenchmarkReport {
        var rows: [BenchmarkRow] = []
        for count in connections {
            rows.append(try row("GET /health", target.get("/health"), count))
            rows.append(try row("one-token completion", completion, count))
        }
        return BenchmarkReport(
            product: product, command: command, date: Date(), machine: Machine.current(), limits: nil,
            model: JSONObject(), rows: rows)
    }

    var completion: [UInt8] {
        var body = JSONObject()
        body["prompt"] = .array((0..<promptTokens).map { .integer(10 + $0 % 200) })
        body["max_tokens"] = 1
        body["temperature"] = 0
        for field in extraFields { body[field.name] = field.value }
        return target.post("/v1/completions", json: JSONValue.object(body).serialized())
    }

    private func row(_ name: String, _ request: [UInt8], _ connections: Int) throws(BenchmarkError) -> BenchmarkRow {
        var rates: [Double] = []
        for _ in 0..<repetitions { rates.append(try rate(request, connections: connections)) }
        return BenchmarkRow(
            name: name, parameters: [("connections", .integer(connections))], unit: "requests/s",
            summary: Summary(rates))
    }

    /// Answers per second over one measurement, of one answer at least.
    func rate(_ request: [UInt8], connections: Int) throws(BenchmarkError) -> Double {
        let pool = ExchangePool(target, timeout: 60)
        var (finished, free) = (0, Array(0..<connections))
        var failure: String?
        let watch = Stopwatch()
        while watch.seconds < seconds || finished == 0, failure == nil {
            for tag in free { try pool.start(request, tag: tag) }
            free.removeAll(keepingCapacity: true)
            pool.poll(seconds: seconds) { tag, event in
                switch event {
                case .head(200), .body: break
                case .head(let status): failure = "answered with status \(status)"
                case .failed(let reason): failure = reason
                case .finished:
                    finished += 1
                    free.append(tag)
                }
            }
        }
        if let failure { throw .badAnswer(url: target.description, reason: failure) }
        return Double(finished) / watch.seconds
    }
}
