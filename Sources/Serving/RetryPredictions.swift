internal import Scheduling

/// What refused clients were told about when to come back, until it shows whether it was right.
struct RetryPredictions {
    private struct Prediction {
        let made: Duration
        let seconds: Int
        let need: Need
    }

    /// What was missing.
    enum Need {
        case places(Int)
        case room(sequences: Int, bytes: Int, tenant: Tenant)
    }

    /// Predictions that are followed at once; further ones are not.
    private static let most = 32
    /// One that has not come true by then counts with this error.
    private static let longest = Duration.seconds(600)

    private var open: [Prediction] = []

    /// A client was told to come back in `seconds`.
    mutating func told(_ seconds: Int, need: Need, now: Duration) {
        if open.count < Self.most { open.append(Prediction(made: now, seconds: seconds, need: need)) }
    }

    /// Hands out the error in seconds of each prediction whose need is met now.
    mutating func check(_ scheduler: Scheduler, now: Duration, report: (Double) -> Void) {
        guard !open.isEmpty else { return }
        open.removeAll { prediction in
            let age = now - prediction.made
            guard Self.isMet(prediction.need, scheduler) || age > Self.longest else { return false }
            report(abs(age / .seconds(1) - Double(prediction.seconds)))
            return true
        }
    }

    private static func isMet(_ need: Need, _ scheduler: Scheduler) -> Bool {
        switch need {
        case .places(let count): scheduler.freePlaces >= count
        case .room(let sequences, let bytes, let tenant):
            scheduler.hasRoom(sequences: sequences, bytes: bytes, for: tenant)
        }
    }
}
