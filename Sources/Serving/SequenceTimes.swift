/// When a sequence passed its stations, on the service's clock, and what its bytes cost meanwhile.
struct SequenceTimes {
    let submitted: Duration
    /// Admitted: its bytes are reserved.
    var started: Duration?
    /// The prompt is read; the first token is there, if one was asked for.
    var promptDone: Duration?
    var lastToken: Duration?

    init(submitted: Duration) {
        self.submitted = submitted
    }

    func queueSeconds(until end: Duration) -> Double {
        ((started ?? end) - submitted) / .seconds(1)
    }

    func prefillSeconds(until end: Duration) -> Double {
        guard let started else { return 0 }
        return ((promptDone ?? end) - started) / .seconds(1)
    }

    func decodeSeconds(until end: Duration) -> Double {
        guard let promptDone else { return 0 }
        return (end - promptDone) / .seconds(1)
    }

    /// Bytes reserved, integrated over time.
    func byteSeconds(startBytes: Int, steadyBytes: Int, until end: Duration) -> Double {
        Double(startBytes) * prefillSeconds(until: end) + Double(steadyBytes) * decodeSeconds(until: end)
    }
}
