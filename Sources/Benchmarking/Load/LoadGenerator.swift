internal import JSON

/// Sends completion requests to a server, reads their streams and keeps the times. One thread, however many requests
/// are under way.
struct LoadGenerator {
    let settings: LoadSettings

    /// All requests' samples, in the order of their sending, and the seconds from the first to the end of the last.
    struct Outcome {
        let samples: [RequestSample]
        let seconds: Double
    }

    private final class Flight {
        var sample: RequestSample
        var reader = EventStreamReader()
        var errorBody: [UInt8] = []

        init(scheduled: Double) { sample = RequestSample(scheduled: scheduled) }
    }

    private static let keptErrorBytes = 300

    /// Runs until every request has its answer or has failed.
    func run() throws(BenchmarkError) -> Outcome {
        let pool = ExchangePool(settings.target, timeout: settings.timeout)
        let times = settings.arrivals.times(count: settings.requests)
        let requests = (0..<settings.requests).map(settings.request)
        var flights: [Flight] = []
        let watch = Stopwatch()
        while flights.count < settings.requests || pool.activeCount > 0 {
            while flights.count < settings.requests, isDue(flights.count, times, pool.activeCount, watch.seconds) {
                let flight = Flight(scheduled: times.map { $0[flights.count] } ?? watch.seconds)
                flights.append(flight)
                do {
                    try pool.start(requests[flights.count - 1], tag: flights.count - 1)
                } catch {
                    // A server that was there and takes no more connections has failed this request.
                    guard flights.count > 1 else { throw error }
                    flight.sample.failure = error.description
                }
            }
            var wait = 0.25
            if let times, flights.count < settings.requests { wait = times[flights.count] - watch.seconds }
            pool.poll(seconds: max(0, wait)) { tag, event in
                Self.take(event, flight: flights[tag], now: watch.seconds)
            }
        }
        return Outcome(samples: flights.map(\.sample), seconds: watch.seconds)
    }

    private func isDue(_ index: Int, _ times: [Double]?, _ active: Int, _ now: Double) -> Bool {
        switch settings.arrivals {
        case .closed(let concurrency): active < concurrency
        case .poisson: times.map { $0[index] <= now } ?? false
        }
    }

    private static func take(_ event: ExchangePool.Event, flight: Flight, now: Double) {
        switch event {
        case .head(let status): flight.sample.status = status
        case .body(let bytes) where flight.sample.status == 200:
            for data in flight.reader.append(bytes) { take(data, &flight.sample, now) }
        case .body(let bytes):
            flight.errorBody += bytes.prefix(max(0, keptErrorBytes - flight.errorBody.count))
        case .finished:
            flight.sample.end = now
            let status = flight.sample.status ?? 0
            if status != 200 {
                flight.sample.failure = "\(status): \(String(decoding: flight.errorBody, as: UTF8.self))"
            } else if flight.sample.pieces.isEmpty, flight.sample.failure == nil {
                flight.sample.failure = "the answer has no text"
            }
        case .failed(let reason): flight.sample.failure = reason
        }
    }

    /// One event of the stream.
    private static func take(_ data: [UInt8], _ sample: inout RequestSample, _ now: Double) {
        guard data != Array("[DONE]".utf8) else { return }
        guard let value = try? JSONValue(parsing: data, limits: .request), let object = value.asObject else {
            sample.failure = "an event is not a JSON object"
            return
        }
        if let error = object["error"] { sample.failure = String(decoding: error.serialized(), as: UTF8.self) }
        if let text = object["choices"]?.asArray?.first?.asObject?["text"]?.asString, !text.isEmpty {
            sample.pieces.append(now)
        }
        if let tokens = object["usage"]?.asObject?["completion_tokens"]?.asInt { sample.tokens = tokens }
    }
}
