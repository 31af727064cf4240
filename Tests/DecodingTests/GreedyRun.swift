import Decoding
import Generation
import KVCaching
import Kernels

/// How a prompt is cut into pieces.
enum Chunking: Sendable, CustomStringConvertible, CaseIterable {
    case whole, layerByLayer, sevens, singleRows

    var description: String {
        switch self {
        case .whole: "whole"
        case .layerByLayer: "layer by layer"
        case .sevens: "rows of seven"
        case .singleRows: "single rows"
        }
    }

    /// Pieces of a prompt that passes by rows or layer by layer.
    func pieces(_ id: SequenceID, rows: Int, layers: Int, byRows: Bool) -> [PrefillPiece] {
        let size: Int
        switch self {
        case .whole: return [PrefillPiece(sequence: id, layers: 0..<layers, rows: 0..<rows)]
        case .layerByLayer: size = rows
        case .sevens: size = 7
        case .singleRows: size = 1
        }
        return (byRows ? [0..<layers] : (0..<layers).map { $0..<$0 + 1 }).flatMap { layers in
            stride(from: 0, to: rows, by: size).map {
                PrefillPiece(sequence: id, layers: layers, rows: $0..<min(rows, $0 + size))
            }
        }
    }
}

/// Greedy decoding of one sequence, with everything a test may want to compare.
struct GreedyRun: Equatable {
    var ids: [TokenID] = []
    /// One row of logits per generated token.
    var logits: [[Float]] = []
    /// [call][layer][KV head]
    var kept: [[[[Int]]]] = []

    init() {}

    init(
        _ engine: DecodeEngine, prompt: [TokenID], plan: CachePlan, steps: Int, chunking: Chunking = .whole,
        id: SequenceID = SequenceID(1)
    ) {
        let shape = plan.shape
        engine.admit(SequenceAdmission(id: id, prompt: prompt, plan: plan, promptLogits: false))
        defer { engine.release(id) }
        let pieces = chunking.pieces(
            id, rows: prompt.count, layers: shape.layerCount, byRows: plan.passesByRows)
        for piece in pieces {
            run(engine, StepBatch(prefill: [piece]))
        }
        record(engine, id, shape)
        while ids.count < steps {
            run(engine, StepBatch(decode: [.init(sequence: id, token: ids[ids.count - 1])]))
            record(engine, id, shape)
        }
    }

    private mutating func run(_ engine: DecodeEngine, _ batch: StepBatch) {
        engine.run(batch) { _, row in
            let values = row.indices.map { row[$0] }
            logits.append(values)
            ids.append(TokenID(GreedyRun.argmax(values)))
        }
    }

    mutating func record(_ engine: DecodeEngine, _ id: SequenceID, _ shape: CacheShape) {
        let cache = engine.cache(of: id)
        kept.append(
            (0..<shape.layerCount).map { layer in
                (0..<shape.kvHeads).map { cache.keptPositions(layer: layer, kvHead: $0) }
            })
    }

    static func argmax(_ values: [Float]) -> Int {
        var best = 0
        for (index, value) in values.enumerated() where value > values[best] { best = index }
        return best
    }
}
