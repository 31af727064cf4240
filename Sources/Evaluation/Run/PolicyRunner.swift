internal import Decoding
internal import Generation
internal import KVCaching

/// Feeds inputs through the engine under one plan each and shows the logits.
///
/// Inputs run side by side, which changes no bit of their logits. Confined to its thread, like its engine.
final class PolicyRunner {
    let configuration: ModelConfiguration
    private let engine: DecodeEngine
    private let width: Int
    private var nextID: UInt64 = 0

    /// `width` inputs run at once.
    init(model: DecoderModel, threads: Int, width: Int = 8) throws {
        configuration = model.configuration
        self.width = width
        // The engine's promise about bytes is the planner's affair; here the pool is never the limit.
        engine = try DecodeEngine(
            model: model, arena: KVArena(capacityBytes: 1 << 50),
            limits: DecodeEngine.Limits(maxSequences: width, maxRows: 128, threads: threads))
    }

    /// An input as the runner takes it.
    struct Input {
        let prompt: [TokenID]
        let plan: CachePlan
    }

    /// What a point's caches were, averaged over its inputs.
    struct Cost: Equatable {
        var slots = 0.0
        var bytes = 0.0
    }

    /// Runs all inputs. `next` gets the input's index, the step (0: after the prompt) and the logits, and answers with
    /// the token to feed, or nil to end the input. At most `plan.plannedTokens` steps.
    func run(_ inputs: [Input], next: (_ input: Int, _ step: Int, _ logits: Span<Float>) -> TokenID?) -> Cost {
        var cost = Cost()
        for start in stride(from: 0, to: inputs.count, by: width) {
            let group = start..<min(start + width, inputs.count)
            runGroup(inputs, group, next)
            for index in group {
                cost.slots += Double(inputs[index].plan.laneSlots) / Double(inputs.count)
                cost.bytes += Double(inputs[index].plan.steadyBytes) / Double(inputs.count)
            }
        }
        return cost
    }

    private func runGroup(
        _ inputs: [Input], _ group: Range<Int>, _ next: (Int, Int, Span<Float>) -> TokenID?
    ) {
        let firstID = nextID
        nextID += UInt64(group.count)
        func id(_ index: Int) -> SequenceID { SequenceID(firstID + UInt64(index - group.lowerBound)) }
        var pending = [Int: TokenID]()
        var steps = 0
        var batch = StepBatch()
        for index in group {
            let input = inputs[index]
            engine.admit(
                SequenceAdmission(id: id(index), prompt: input.prompt, plan: input.plan, promptLogits: false))
            batch.prefill.append(
                .init(
                    sequence: id(index), layers: 0..<configuration.layerCount, rows: 0..<input.prompt.count))
        }
        defer { for index in group { engine.release(id(index)) } }
        while !batch.decode.isEmpty || !batch.prefill.isEmpty {
            pending.removeAll(keepingCapacity: true)
            engine.run(batch) { origin, logits in
                guard case .next(let sequence) = origin else { return }
                let index = group.lowerBound + Int(sequence.rawValue - firstID)
                pending[index] = next(index, steps, logits)
            }
            steps += 1
            batch = StepBatch(
                decode: group.compactMap { index in
                    guard steps < inputs[index].plan.plannedTokens, let token = pending[index] else { return nil }
                    return .init(sequence: id(index), token: token)
                })
        }
    }
}

@available(*, unavailable) extension PolicyRunner: Sendable {}
