internal import Decoding
internal import Generation
internal import KVCaching

/// Feeds inputs through the engine, each under many plans, and shows the logits.
///
/// A prompt runs once for all plans that can share it, and prompts run side by side; neither changes a bit of any
/// plan's logits. Confined to its thread, like its engine.
final class PolicyRunner {
    let configuration: ModelConfiguration
    private let engine: DecodeEngine
    private let limits: PromptPass.Limits
    private var nextID: UInt64 = 0

    init(model: DecoderModel, threads: Int, limits: PromptPass.Limits = .init()) throws {
        configuration = model.configuration
        self.limits = limits
        // The engine's promise about bytes is the planner's affair; here the pool is never the limit.
        engine = try DecodeEngine(
            model: model, arena: KVArena(capacityBytes: 1 << 50),
            limits: DecodeEngine.Limits(maxSequences: limits.sequences, maxRows: 128, threads: threads))
    }

    /// A prompt and the plans it is wanted under.
    struct Input {
        let prompt: [TokenID]
        let plans: [CachePlan]
    }

    /// An input under one of its plans.
    struct Place: Hashable {
        let input: Int
        let plan: Int
    }

    /// What a point's caches were, averaged over its inputs.
    struct Cost: Equatable {
        var slots = 0.0
        var bytes = 0.0

        /// The mean over the inputs of what plan `plan` holds.
        init(of inputs: [Input], plan: Int) {
            for input in inputs {
                slots += Double(input.plans[plan].laneSlots) / Double(inputs.count)
                bytes += Double(input.plans[plan].steadyBytes) / Double(inputs.count)
            }
        }
    }

    /// Runs all inputs under all their plans. `next` gets the place, the step (0: after the prompt) and the logits, and
    /// answers with the token to feed, or nil to end. At most `plan.plannedTokens` steps. For each step of an input its
    /// first plan comes before the others. `progress` hears the share that is done.
    func run(
        _ inputs: [Input], progress: (Double) -> Void = { _ in },
        next: (_ place: Place, _ step: Int, _ logits: Span<Float>) -> TokenID?
    ) {
        let passes = PromptPass.passes(inputs, limits: limits)
        var done = 0
        for lot in PromptPass.lots(passes, limits: limits) {
            run(lot, of: inputs, next)
            done += lot.count
            progress(Double(done) / Double(passes.count))
        }
    }

    private func run(
        _ lot: [PromptPass], of inputs: [Input], _ next: (Place, Int, Span<Float>) -> TokenID?
    ) {
        let firstID = nextID
        var places: [Place] = []
        var batch = StepBatch()
        for pass in lot {
            let input = inputs[pass.input]
            let ids = pass.plans.indices.map { SequenceID(nextID + UInt64($0)) }
            nextID += UInt64(ids.count)
            places += pass.plans.map { Place(input: pass.input, plan: $0) }
            engine.admit(
                SequenceAdmission(
                    id: ids[0], prompt: input.prompt, plan: input.plans[pass.plans[0]], promptLogits: false,
                    siblings: zip(ids, pass.plans).dropFirst().map { .init(id: $0, plan: input.plans[$1]) }))
            batch.prefill.append(
                .init(sequence: ids[0], layers: 0..<configuration.layerCount, rows: 0..<input.prompt.count))
        }
        defer { for id in firstID..<nextID { engine.release(SequenceID(id)) } }
        var steps = 0
        while !batch.decode.isEmpty || !batch.prefill.isEmpty {
            var decode: [StepBatch.DecodeRow] = []
            engine.run(batch) { origin, logits in
                guard case .next(let sequence) = origin else { return }
                let place = places[Int(sequence.rawValue - firstID)]
                guard let token = next(place, steps, logits) else { return }
                guard steps + 1 < inputs[place.input].plans[place.plan].plannedTokens else { return }
                decode.append(.init(sequence: sequence, token: token))
            }
            steps += 1
            batch = StepBatch(decode: decode)
        }
    }
}

@available(*, unavailable) extension PolicyRunner: Sendable {}
