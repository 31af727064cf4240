internal import Decoding
internal import Generation
internal import KVCaching

/// An engine with sequences whose steps are timed. Confined to its thread, like the engine.
final class EngineBench {
    let facts: ModelFacts
    private let engine: DecodeEngine
    private let threads: Int
    private var nextID: UInt64 = 0
    private var running: [Running] = []
    /// Kept, so that a step allocates nothing of its own.
    private var decoded = StepBatch()

    private struct Running {
        let id: SequenceID
        let plan: CachePlan
        var token: TokenID
        var fed: Int
    }

    /// `rows` prompt rows pass a layer together, as a server's steps do.
    init(facts: ModelFacts, threads: Int, sequences: Int, rows: Int, timesPolicy: Bool = false) throws {
        self.facts = facts
        self.threads = threads
        var limits = DecodeEngine.Limits(maxSequences: sequences, maxRows: max(rows, sequences), threads: threads)
        limits.timesPolicy = timesPolicy
        engine = try DecodeEngine(model: facts.decoder, arena: KVArena(capacityBytes: 1 << 50), limits: limits)
    }

    /// Seconds that the threads spent on policies since this was asked last, as a mean over the threads.
    func takePolicySeconds() -> Double { engine.takePolicySeconds() / Double(threads) }

    /// A cache for a prompt of `prompt` tokens and `new` tokens after it.
    func plan(
        _ request: KVCacheRequest, prompt: Int, new: Int
    ) throws(KVCacheRequestError) -> CachePlan {
        try PolicyTable.plan(
            request, defaults: KVCacheRequest(), promptTokens: prompt, maxNewTokens: new,
            shape: facts.configuration.cacheShape, usesRoPE: facts.configuration.usesRoPE)
    }

    /// Computes a prompt for each plan, all in one step, and returns the seconds. The sequences decode from then on.
    func start(_ plans: [CachePlan]) -> Double {
        var batch = StepBatch()
        for plan in plans {
            let id = SequenceID(nextID)
            nextID += 1
            engine.admit(SequenceAdmission(id: id, prompt: prompt(plan.promptTokens), plan: plan, promptLogits: false))
            batch.prefill.append(
                PrefillPiece(
                    sequence: id, layers: 0..<facts.configuration.layerCount, rows: 0..<plan.promptTokens))
            running.append(Running(id: id, plan: plan, token: 0, fed: plan.promptTokens))
        }
        return Stopwatch.time { run(batch) }
    }

    /// The same without computing prompts: caches full of random entries.
    func startFilled(_ plans: [CachePlan]) {
        for plan in plans {
            let id = SequenceID(nextID)
            nextID += 1
            engine.admitFilled(
                SequenceAdmission(id: id, prompt: prompt(plan.promptTokens), plan: plan, promptLogits: false))
            running.append(Running(id: id, plan: plan, token: 0, fed: plan.promptTokens))
        }
    }

    /// One token for every running sequence; returns the seconds.
    func step() -> Double {
        for running in running {
            precondition(running.fed < running.plan.fedTokens, "a step beyond the plan of \(running.plan.fedTokens)")
        }
        decoded.decode.removeAll(keepingCapacity: true)
        for index in running.indices {
            decoded.decode.append(.init(sequence: running[index].id, token: running[index].token))
            running[index].fed += 1
        }
        return Stopwatch.time { run(decoded) }
    }

    /// Releases all sequences.
    func end() {
        for running in running { engine.release(running.id) }
        running = []
    }

    private func run(_ batch: StepBatch) {
        var next = 0
        engine.run(batch) { origin, logits in
            guard case .next(let id) = origin else { return }
            // Logits come in the order of the batch, which is that of `running`.
            while running[next].id != id { next += 1 }
            running[next].token = Self.token(from: logits)
        }
    }

    /// A token that depends on the logits, without the cost of a search through them.
    private static func token(from logits: Span<Float>) -> TokenID {
        logits.count > 300 && logits[0] > logits[1] ? 300 : 1
    }

    /// Ids that follow no pattern, the same every time.
    private func prompt(_ count: Int) -> [TokenID] {
        var random = WeightRandom(seed: 1, stream: count)
        let size = UInt64(facts.configuration.vocabularySize)
        return (0..<count).map { _ in TokenID(random.next() % size) }
    }

    /// Slots that the running sequences read in a step, per lane, and their bytes in all lanes. After the first step.
    var cacheReads: (slots: Int, bytes: Int) {
        let slots = running.reduce(0) { $0 + min($1.plan.laneSlots, $1.fed) }
        let bytes = running.reduce(0) { total, running in
            let shape = running.plan.shape
            return total + shape.totalSlots(of: min(running.plan.laneSlots, running.fed))
                * (running.plan.layout.keyBytes + running.plan.layout.valueBytes)
        }
        return (slots, bytes)
    }
}

@available(*, unavailable) extension EngineBench: Sendable {}
