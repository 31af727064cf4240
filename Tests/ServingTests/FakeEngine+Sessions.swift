import Decoding
import Generation
import KVCaching

/// Mistakes of an engine or of who uses it; the simulation of sessions must find each.
enum SessionMutation: CaseIterable, Sendable {
    /// The token fed last is lost when a cache is kept.
    case losesLastToken
    /// A kept cache keeps the bytes of its turn.
    case keepsAllBytes
    /// A turn begins on another session's cache.
    case takesAnotherCache
    /// A fork and its original are one.
    case forksShareTokens
}

/// Kept caches without keys and values: the tokens they were fed.
extension FakeEngine {
    /// Tokens of the turns before.
    func takeOver(_ admission: SequenceAdmission) -> [TokenID] {
        let history = admission.plan.turn?.history
        guard let id = admission.continued else {
            if history != nil { complain("\(admission.id) has a history and continues nothing") }
            return []
        }
        guard let kept = sequences.removeValue(forKey: id), kept.isKept else {
            complain("\(admission.id) continues \(id), which is not kept")
            return []
        }
        record.update { $0.released += 1 }
        if history?.fedTokens != kept.tokens.count || history?.bytes != kept.charge?.byteCount {
            complain("\(admission.id) has a history of \(history?.fedTokens ?? 0) tokens, not \(kept.tokens.count)")
        }
        if mutation == .takesAnotherCache, let other = sequences.values.first(where: \.isKept) {
            return Array((other.tokens + kept.tokens).prefix(kept.tokens.count))
        }
        return kept.tokens
    }

    func keep(_ sequence: SequenceID) -> CacheHistory {
        guard var state = sequences[sequence], state.isDecoding, !state.isKept else {
            preconditionFailure("\(sequence) is kept before its prompt is done")
        }
        let plan = state.admission.plan
        let entered = plan.startSlots + state.tokens.count - plan.startTokens
        let slots = (0..<plan.shape.layerCount).map { min(plan.laneSlots(layer: $0), entered) }
        let bytes = Self.bytes(slots, plan)
        if mutation == .losesLastToken { state.tokens[state.tokens.count - 1] = 1 }
        state.isKept = true
        if mutation != .keepsAllBytes {
            sequences[sequence]?.charge = nil
            state.charge = nil
            state.charge = record.arena.charge(byteCount: bytes)
        }
        sequences[sequence] = state
        return CacheHistory(fedTokens: state.tokens.count, slots: slots, bytes: bytes)
    }

    func shrink(_ sequence: SequenceID, to plan: CachePlan) -> CacheHistory {
        guard var state = sequences[sequence], state.isKept, let history = plan.turn?.history else {
            preconditionFailure("\(sequence) is shrunk and not kept")
        }
        let slots = history.slots.indices.map { min(history.slots[$0], plan.laneSlots(layer: $0)) }
        sequences[sequence]?.charge = nil
        state.charge = nil
        state.charge = record.arena.charge(byteCount: Self.bytes(slots, plan))
        sequences[sequence] = state
        return CacheHistory(fedTokens: history.fedTokens, slots: slots, bytes: Self.bytes(slots, plan))
    }

    func fork(_ sequence: SequenceID, as copy: SequenceID) {
        guard var state = sequences[sequence], state.isKept else {
            preconditionFailure("\(sequence) is forked and not kept")
        }
        record.update { $0.admitted += 1 }
        state.charge = record.arena.charge(byteCount: state.charge?.byteCount ?? 0)
        if mutation == .forksShareTokens { state.tokens[0] = 2 }
        sequences[copy] = state
    }

    /// Lanes with the newest positions and nothing else.
    func image(of sequence: SequenceID) -> CacheImage {
        guard let state = sequences[sequence], state.isKept else {
            preconditionFailure("an image of \(sequence), which is not kept")
        }
        let plan = state.admission.plan
        let entered = plan.startSlots + state.tokens.count - plan.startTokens
        let slots = (0..<plan.shape.layerCount).map { min(plan.laneSlots(layer: $0), entered) }
        var bytes: [UInt8] = []
        for slots in slots {
            for _ in 0..<plan.shape.kvHeads {
                for position in state.tokens.count - slots..<state.tokens.count {
                    for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: position >> shift)) }
                }
            }
        }
        bytes += [UInt8](repeating: 0, count: Self.bytes(slots, plan) - bytes.count)
        var taken = 0
        let image = CacheImage(
            fedTokens: state.tokens.count, slots: slots,
            counts: slots.flatMap { Array(repeating: $0, count: plan.shape.kvHeads) }, layout: plan.layout,
            positions: plan.positions, byteCount: bytes.count
        ) { count in
            defer { taken += count }
            return Array(bytes[taken..<taken + count])
        }
        imaged[ObjectIdentifier(image)] = (image, state.tokens)
        return image
    }

    func restore(_ image: CacheImage, as sequence: SequenceID, plan: CachePlan) -> CacheHistory {
        guard let (_, tokens) = imaged[ObjectIdentifier(image)] else { preconditionFailure("an unknown image") }
        record.update { $0.admitted += 1 }
        let admission = SequenceAdmission(id: sequence, prompt: [0], plan: plan, promptLogits: false)
        sequences[sequence] = State(
            admission: admission, promptCount: tokens.count, isKept: true, tokens: tokens, isDecoding: true,
            charge: record.arena.charge(byteCount: image.byteCount))
        return CacheHistory(fedTokens: tokens.count, slots: image.slots, bytes: image.byteCount)
    }

    private static func bytes(_ slots: [Int], _ plan: CachePlan) -> Int {
        CacheImage.byteCount(slots: slots, kvHeads: plan.shape.kvHeads, layout: plan.layout) ?? 0
    }
}
