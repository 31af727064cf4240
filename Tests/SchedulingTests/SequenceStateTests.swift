import Generation
import Testing

@testable import Scheduling

@Suite struct SequenceStateTests {
    /// Whatever the budget of each step, the pieces cover layers x rows once, layer by layer, and at least as fast as
    /// the smallest budget allows.
    @Test(arguments: [1, 2, 3, 5, 16, 61, 200], [1, 2, 7])
    func piecesCoverThePromptOnceInLayerMajorOrder(rows: Int, layers: Int) throws {
        for smallest in [1, 3, 20, 150] {
            var random = SimulationRandom(seed: UInt64(rows * 1000 + layers * 10 + smallest))
            var sequence = RunningSequence(admission: .with(1, prompt: rows), isPaused: false)
            var covered: [Int] = []
            var steps = 0
            while sequence.isPrefilling {
                let budget = smallest + (random.chance(50) ? 0 : random.pick(0...100))
                let piece = try #require(sequence.nextPiece(rowLayers: budget, layerCount: layers))
                #expect(piece.layers.count * piece.rows.count <= budget)
                for layer in piece.layers { covered += piece.rows.map { layer * rows + $0 } }
                sequence.complete(piece, layerCount: layers)
                steps += 1
            }
            #expect(covered == Array(0..<(rows * layers)))
            #expect(steps <= layers * ((rows + smallest - 1) / smallest))
        }
    }

    /// The same by rows, each through all layers; a budget below one row gives nothing.
    @Test(arguments: [1, 2, 3, 5, 16, 61, 200], [1, 2, 7])
    func piecesByRowsCoverThePromptOnce(rows: Int, layers: Int) throws {
        for smallest in [layers, 3 * layers, 20 * layers] {
            var random = SimulationRandom(seed: UInt64(rows * 1000 + layers * 10 + smallest))
            var sequence = RunningSequence(admission: .with(1, prompt: rows, byRows: true), isPaused: false)
            var covered: [Int] = []
            var steps = 0
            while sequence.isPrefilling {
                #expect(sequence.nextPiece(rowLayers: layers - 1, layerCount: layers) == nil)
                let budget = smallest + (random.chance(50) ? 0 : random.pick(0...100))
                let piece = try #require(sequence.nextPiece(rowLayers: budget, layerCount: layers))
                #expect(piece.layers == 0..<layers && layers * piece.rows.count <= budget)
                covered += piece.rows
                sequence.complete(piece, layerCount: layers)
                steps += 1
            }
            #expect(covered == Array(0..<rows))
            #expect(steps <= (rows + smallest / layers - 1) / (smallest / layers))
        }
    }
}
