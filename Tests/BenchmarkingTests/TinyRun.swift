import Decoding
import Generation
import KVCaching

@testable import Benchmarking

/// A few steps of a tiny model, with its logits.
enum TinyRun {
    /// Logits after the prompt and after each step.
    static func logits(_ facts: ModelFacts, prompt: Int, steps: Int) throws -> [[Float]] {
        let engine = try DecodeEngine(
            model: facts.decoder, arena: KVArena(capacityBytes: 1 << 30),
            limits: DecodeEngine.Limits(maxSequences: 1, maxRows: 8, threads: 1))
        var request = KVCacheRequest()
        request.policy = "full"
        let plan = try PolicyTable.plan(
            request, defaults: KVCacheRequest(), promptTokens: prompt, maxNewTokens: steps + 1,
            shape: facts.configuration.cacheShape, usesRoPE: true)
        let id = SequenceID(1)
        engine.admit(
            SequenceAdmission(
                id: id, prompt: (0..<prompt).map { TokenID($0 * 7 % 1000) }, plan: plan, promptLogits: false))
        var found: [[Float]] = []
        func run(_ batch: StepBatch) {
            engine.run(batch) { _, logits in found.append(logits.indices.map { logits[$0] }) }
        }
        run(
            StepBatch(prefill: [
                PrefillPiece(sequence: id, layers: 0..<facts.configuration.layerCount, rows: 0..<prompt)
            ]))
        for step in 0..<steps { run(StepBatch(decode: [.init(sequence: id, token: TokenID(step + 300))])) }
        return found
    }
}
