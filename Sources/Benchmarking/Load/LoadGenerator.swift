internal import JSON

/// Sends completion requests to a server, reads their streams and keeps the times. One thread, however many requests
/// are under way.
struct LoadGenerator {
    let settings: LoadSettings

    /// All requests' samples, in the order of their sending, and the seconds from the first to the end of the last.
    struct Outcome {
        let samples: [RequestSample]
        let seconds: Double
        /// What the server's metrics said, about once a second.
        var gauges: [ServerGauges.Reading] = []
    }

    private final class Flight {
        var sample: RequestSample
        var reader = EventStreamReader()
        var errorBody: [UInt8] = []

        init(scheduled: Double) { sample = RequestSample(scheduled: scheduled) }
    }

    private static let keptErrorBytes = 600
    private static let gaugeSeconds = 1.0

    /// Runs until every request has its answer or has failed.
    func run() throws(BenchmarkError) -> Outcome {
        let pool = ExchangePool(settings.target, timeout: settings.timeout)
        let gauges = settings.metrics.map {
            ServerGauges($0, headers: settings.headers, interval: Self.gaugeSeconds)
        }
        let times = settings.arrivals.times(count: settings.requests)
        var flights: [Flight] = []
        let watch = Stopwatch()
        while isSending(flights.count, watch.seconds) || pool.activeCount > 0 {
            while isSending(flights.count, watch.seconds), isDue(flights.count, times, pool.activeCount, watch.seconds)
            {
                let flight = Flight(scheduled: times.map { $0[flights.count] } ?? watch.seconds)
                try send(flights.count, flight, pool, watch)
                flights.append(flight)
            }
            var wait = 0.25
            if let times, flights.count < settings.requests { wait = times[flights.count] - watch.seconds }
            pool.poll(seconds: max(0, wait)) { tag, event in
                Self.take(event, flight: flights[tag], now: watch.seconds)
            }
            gauges?.advance(watch.seconds)
        }
        return Outcome(samples: flights.map(\.sample), seconds: watch.seconds, gauges: gauges?.readings ?? [])
    }

    /// There are requests left to send.
    private func isSending(_ index: Int, _ now: Double) -> Bool {
        guard index < settings.requests else { return false }
        if case .closed = settings.arrivals { return now < settings.duration }
        return true
    }

    private func send(_ index: Int, _ flight: Flight, _ pool: ExchangePool, _ watch: Stopwatch) throws(BenchmarkError) {
        let request = settings.request(index)
        flight.sample.budget = settings.budgets.choice(of: index, seed: settings.seed)
        flight.sample.sent = watch.seconds
        do {
            try pool.start(request, tag: index)
        } catch {
            // A server that was there and takes no more connections has failed this request.
            guard index > 0 else { throw error }
            flight.sample.failure = LoadFailure(kind: "no connection", text: error.description)
        }
    }

    private func isDue(_ index: Int, _ times: [Double]?, _ active: Int, _ now: Double) -> Bool {
        switch settings.arrivals {
        case .closed(let concurrency): active < concurrency
        case .poisson, .planned: times.map { $0[index] <= now } ?? false
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
                flight.sample.failure = .status(status, body: flight.errorBody)
            } else if flight.sample.pieces.isEmpty, flight.sample.failure == nil {
                flight.sample.failure = .noText
            }
        case .failed(let reason):
            let isLate = reason.hasPrefix(ExchangePool.latePrefix)
            flight.sample.failure = LoadFailure(kind: isLate ? "timeout" : "broken off", text: reason)
        }
    }

    /// One event of the stream.
    private static func take(_ data: [UInt8], _ sample: inout RequestSample, _ now: Double) {
        guard data != Array("[DONE]".utf8) else { return }
        guard let value = try? JSONValue(parsing: data, limits: .request), let object = value.asObject else {
            sample.failure = .badEvent
            return
        }
        if object["error"] != nil { sample.failure = .event(value) }
        if let text = object["choices"]?.asArray?.first?.asObject?["text"]?.asString, !text.isEmpty {
            sample.pieces.append(now)
        }
        guard let usage = object["usage"]?.asObject else { return }
        if let tokens = usage["completion_tokens"]?.asInt { sample.tokens = tokens }
        if let cache = usage["kv_cache"]?.asObject {
            sample.cachePeakBytes = cache["peak_bytes"]?.asInt
            sample.cacheByteSeconds = cache["byte_seconds"]?.asDouble
        }
    }
}
