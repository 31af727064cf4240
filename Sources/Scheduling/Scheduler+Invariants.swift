internal import Generation

extension Scheduler {
    /// Checks the scheduler's own books in time linear in its sequences: the first promise that does not hold, in
    /// words, or nil.
    public func brokenInvariant() -> String? {
        if running.count > limits.maxSequences {
            return "\(running.count) sequences run, the limit is \(limits.maxSequences)"
        }
        if waiting.count > limits.maxQueuedSequences {
            return "\(waiting.count) sequences wait, the limit is \(limits.maxQueuedSequences)"
        }
        let footprints = running.reduce(0) { $0 + $1.reservedBytes }
        if reservedBytes != footprints {
            return "\(reservedBytes) bytes are reserved, the footprints add up to \(footprints)"
        }
        if freeBytes < 0 {
            return "\(reservedBytes) bytes are reserved, \(heldBytes) held and \(sharedBytes) shared of "
                + "\(limits.poolBytes)"
        }
        if sharedBytes < 0 || (sharedBytes > 0 && running.isEmpty) {
            return "\(running.count) running sequences share \(sharedBytes) bytes"
        }
        let owned = waiting.reduce(0) { $0 + $1.admission.heldBytes }
        if owned > heldBytes { return "waiting sequences hold \(owned) bytes of \(heldBytes)" }
        var seen = Set<SequenceID>(minimumCapacity: running.count + waiting.count)
        for id in running.map(\.id) + waiting.map(\.admission.id) where !seen.insert(id).inserted {
            return "\(id) is here twice"
        }
        if let broken = running.lazy.compactMap({ brokenPhase(of: $0) }).first { return broken }
        if let deadline = nextDeadline, deadlineBound.map({ $0 > deadline }) ?? true {
            return "a deadline at \(deadline) is not watched"
        }
        let totals = accounts.totals
        if totals != (reservedBytes + heldBytes + sharedBytes, running.count, waiting.count) {
            return "the tenants' accounts add up to \(totals)"
        }
        return nil
    }

    private func brokenPhase(of sequence: RunningSequence) -> String? {
        switch sequence.phase {
        case .prefill(let layer, let row):
            if !(0..<limits.layerCount).contains(layer) || !(0..<sequence.admission.promptTokens).contains(row) {
                return "\(sequence.id) prefills layer \(layer), row \(row)"
            }
            if layer > 0 && sequence.admission.passesByRows {
                return "\(sequence.id) passes by rows and has rows in layer \(layer)"
            }
        case .decode(let rows):
            if rows > sequence.admission.maxDecodeRows {
                return "\(sequence.id) has decoded \(rows) rows of \(sequence.admission.maxDecodeRows)"
            }
        }
        return nil
    }
}
