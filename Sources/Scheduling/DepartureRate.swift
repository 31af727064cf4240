/// How fast running sequences leave, measured on a clock that stands still while nothing runs.
///
/// The last 64 departures are kept, so the estimate follows the load within that many sequences and an idle night does
/// not count as slowness.
struct DepartureRate: Sendable {
    private static let capacity = 64

    /// Busy time of the last departures, a ring.
    private var departures: [Duration] = []
    private var next = 0
    private var busy = Duration.zero
    private var mark = Duration.zero

    /// Brings the busy clock to `now`; `isBusy` says whether anything ran since the last call.
    mutating func advance(to now: Duration, isBusy: Bool) {
        guard now > mark else { return }
        if isBusy { busy += now - mark }
        mark = now
    }

    /// A running sequence has left.
    mutating func recordDeparture() {
        if departures.count < Self.capacity {
            departures.append(busy)
        } else {
            departures[next] = busy
            next = (next + 1) % Self.capacity
        }
    }

    /// Seconds until `count` more have left, rounded up, 1 to 120. Before the first departure, as if one left now.
    func secondsUntil(departures count: Int) -> Int {
        let window = departures.count < Self.capacity ? busy : busy - departures[next]
        let perDeparture = Self.seconds(window) / Double(max(1, departures.count))
        let seconds = (perDeparture * Double(count)).rounded(.up)
        return Int(min(120, max(1, seconds)))
    }

    private static func seconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
