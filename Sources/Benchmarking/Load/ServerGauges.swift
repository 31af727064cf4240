/// Reads a server's own figures at intervals while load is on it: sequences that run and wait, bytes of the KV pool.
final class ServerGauges {
    /// What one scrape said; nil where the server has no such metric.
    struct Reading: Sendable, Equatable {
        var running: Double?
        var waiting: Double?
        var reservedBytes: Double?
        var usedBytes: Double?

        /// Takes the samples out of the text that `/metrics` answers with.
        init(prometheus text: String) {
            for line in text.split(separator: "\n") where line.first != "#" {
                guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                    continue
                }
                switch line[..<space] {
                case "keyhold_requests_running": running = value
                case "keyhold_requests_waiting": waiting = value
                case "keyhold_kv_pool_bytes{state=\"reserved\"}": reservedBytes = value
                case "keyhold_kv_pool_bytes{state=\"used\"}": usedBytes = value
                default: break
                }
            }
        }

        var isEmpty: Bool { running == nil && waiting == nil && reservedBytes == nil && usedBytes == nil }
    }

    private let pool: ExchangePool
    private let request: [UInt8]
    private let interval: Double
    private var due = 0.0
    private var status = 0
    private var body: [UInt8] = []
    private(set) var readings: [Reading] = []

    /// Scrapes `target` every `interval` seconds.
    init(_ target: HTTPTarget, headers: [(name: String, value: String)], interval: Double) {
        pool = ExchangePool(target, timeout: 10)
        request = target.get("/metrics", headers: headers)
        self.interval = interval
    }

    /// Starts a scrape where one is due and takes in what has come; never waits. A server without metrics is asked
    /// once.
    func advance(_ now: Double) {
        if pool.activeCount == 0, now >= due {
            (status, body) = (0, [])
            due = now + interval
            do { try pool.start(request, tag: 0) } catch { due = .infinity }
        }
        guard pool.activeCount > 0 else { return }
        pool.poll(seconds: 0) { _, event in
            switch event {
            case .head(let status): self.status = status
            case .body(let bytes): body += bytes
            case .finished: finish()
            case .failed: due = .infinity
            }
        }
    }

    private func finish() {
        let reading = Reading(prometheus: String(decoding: body, as: UTF8.self))
        guard status == 200, !reading.isEmpty else {
            due = .infinity
            return
        }
        readings.append(reading)
    }
}

@available(*, unavailable) extension ServerGauges: Sendable {}
