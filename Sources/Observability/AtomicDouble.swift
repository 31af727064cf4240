internal import Synchronization

/// A number that any thread may read and change without a lock; the memory behind every metric.
/// Every access is relaxed: a metric orders nothing else.
final class AtomicDouble: Sendable {
    private let bits: Atomic<UInt64>

    init(_ value: Double) {
        bits = Atomic(value.bitPattern)
    }

    var value: Double {
        get { Double(bitPattern: bits.load(ordering: .relaxed)) }
        set { bits.store(newValue.bitPattern, ordering: .relaxed) }
    }

    /// Adds without losing what other threads add meanwhile. Whole numbers stay exact up to 2^53.
    func add(_ amount: Double) {
        var seen = bits.load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: seen) + amount).bitPattern
            let (exchanged, original) = bits.weakCompareExchange(
                expected: seen, desired: sum, successOrdering: .relaxed, failureOrdering: .relaxed)
            if exchanged { return }
            seen = original
        }
    }
}
