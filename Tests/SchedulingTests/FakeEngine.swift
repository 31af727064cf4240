import Generation

@testable import Scheduling

/// Stands in for the model: checks that what it is fed can be computed, and draws costs and ends from the seed.
struct FakeEngine {
    /// A sequence as the real engine knows it.
    private struct Sequence {
        let promptTokens: Int
        let passesByRows: Bool
        let maxNewTokens: Int
        var layer = 0
        var row = 0
        var tokens = 0
    }

    /// What a step gave.
    struct Outcome {
        /// Sequences that end now: by their own choice or because they have all their tokens.
        var ended: [SequenceID] = []
        var cost = Duration.zero
        /// Why the step cannot be computed.
        var brokenPromise: BrokenPromise?
    }

    private let layerCount: Int
    private let endPercent: Int
    private var sequences: [SequenceID: Sequence] = [:]

    init(layerCount: Int, endPercent: Int) {
        self.layerCount = layerCount
        self.endPercent = endPercent
    }

    mutating func admit(_ admission: Admission) {
        sequences[admission.id] = Sequence(
            promptTokens: admission.promptTokens, passesByRows: admission.passesByRows,
            maxNewTokens: admission.maxNewTokens)
    }

    mutating func release(_ id: SequenceID) { sequences[id] = nil }

    mutating func run(_ plan: StepPlan, random: inout SimulationRandom) -> Outcome {
        var outcome = Outcome()
        outcome.cost = .microseconds(random.pick(100...20_000))
        for id in plan.decode {
            guard let sequence = sequences[id], sequence.layer == layerCount, sequence.tokens > 0 else {
                outcome.brokenPromise = BrokenPromise(.decodesAfterPrompt, "\(id) decodes before its prompt is done")
                return outcome
            }
            emitToken(id, &outcome, &random)
        }
        for piece in plan.prefill {
            if let text = misplaced(piece) {
                outcome.brokenPromise = BrokenPromise(.promptOrder, text)
                return outcome
            }
            guard var sequence = sequences[piece.sequence] else { continue }
            sequence.row = piece.rows.upperBound
            if sequence.row == sequence.promptTokens {
                sequence.row = 0
                sequence.layer = piece.layers.upperBound
            } else if !sequence.passesByRows {
                sequence.layer = piece.layers.upperBound - 1
            }
            sequences[piece.sequence] = sequence
            if sequence.layer == layerCount { emitToken(piece.sequence, &outcome, &random) }
        }
        return outcome
    }

    /// Why `piece` is not the next one of its prompt, by rows or in layer-major order.
    private func misplaced(_ piece: PrefillPiece) -> String? {
        guard let sequence = sequences[piece.sequence] else { return "\(piece.sequence) is unknown" }
        if piece.rows.isEmpty || piece.layers.isEmpty { return "\(piece) is empty" }
        if piece.layers.lowerBound != sequence.layer || piece.rows.lowerBound != sequence.row {
            return "\(piece) does not start at layer \(sequence.layer), row \(sequence.row)"
        }
        if piece.layers.upperBound > layerCount || piece.rows.upperBound > sequence.promptTokens {
            return "\(piece) is outside of \(layerCount) layers x \(sequence.promptTokens) rows"
        }
        if sequence.passesByRows {
            return piece.layers == 0..<layerCount ? nil : "\(piece) has not all of \(layerCount) layers"
        }
        if piece.layers.count > 1 && piece.rows != 0..<sequence.promptTokens {
            return "\(piece) has several layers with a part of \(sequence.promptTokens) rows"
        }
        return nil
    }

    private mutating func emitToken(
        _ id: SequenceID, _ outcome: inout Outcome, _ random: inout SimulationRandom
    ) {
        sequences[id]?.tokens += 1
        guard let sequence = sequences[id] else { return }
        if sequence.tokens > max(1, sequence.maxNewTokens) {
            outcome.brokenPromise = BrokenPromise(.tokenLimit, "\(id) has \(sequence.tokens) tokens")
        } else if sequence.tokens >= sequence.maxNewTokens || random.chance(endPercent) {
            outcome.ended.append(id)
        }
    }
}
