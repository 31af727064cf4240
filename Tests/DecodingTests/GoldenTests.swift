import Decoding
import KVCaching
import Kernels
import ModelFiles
import Tensors
import TestSupport
import Testing

/// The conformance vectors of KEYFORMER section 9: ids and kept positions exactly, top-8 logits within 1e-4.
@Suite struct GoldenTests {
    @Test(arguments: GoldenCase.architectures)
    func everyCaseIsReproduced(architecture: String) throws {
        let cases = try GoldenCase.load(architecture)
        #expect(cases.count >= 4)
        let model = try GoldenModel.load(architecture)
        for golden in cases {
            for (threads, chunking) in [(1, Chunking.whole), (2, .sevens)] {
                let run = try GoldenModel.run(golden, model, threads: threads, chunking: chunking)
                if let difference = run.difference(from: golden) {
                    Issue.record("\(golden), \(threads) threads, \(chunking): \(difference)")
                }
            }
        }
    }

    /// The comparison itself must notice one altered number of each kind.
    @Test func alteredNumbersAreNoticed() throws {
        let golden = try #require(try GoldenCase.load("llama").last)
        let run = try GoldenModel.run(golden, try GoldenModel.load("llama"), threads: 1, chunking: .whole)
        var altered = run
        altered.ids[23] += 1
        #expect(altered.difference(from: golden) != nil)
        altered = run
        altered.kept[3][1][0][2] += 1
        #expect(altered.difference(from: golden) != nil)
        altered = run
        altered.logits[0][golden.firstTop8[7].token] += 2e-4
        #expect(altered.difference(from: golden) != nil)
        altered = run
        altered.logits[23][golden.lastTop8[0].token] -= 2e-4
        #expect(altered.difference(from: golden) != nil)
        #expect(run.difference(from: golden) == nil)
    }

    @Test(arguments: GoldenCase.architectures)
    func chunksAndThreadsChangeNoBit(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        for golden in try GoldenCase.load(architecture).suffix(3) {
            let whole = try GoldenModel.run(golden, model, threads: 1, chunking: .whole)
            for chunking in [Chunking.layerByLayer, .singleRows] {
                let other = try GoldenModel.run(golden, model, threads: 2, chunking: chunking)
                #expect(whole == other, "\(golden) \(chunking)")
            }
        }
    }
}

/// The four tiny models of the golden vectors.
enum GoldenModel {
    static func load(_ architecture: String) throws -> DecoderModel {
        try DecoderModel.load(.huggingFace(SafetensorsFolder(folder: "\(GoldenCase.folder)/\(architecture)")))
    }

    static func plan(_ golden: GoldenCase, _ model: DecoderModel) throws -> CachePlan {
        let policy = golden.policy
        let fed = golden.prompt.count + golden.steps - 1
        let slots = policy.name == "full" ? fed : policy.budget
        let layout = SlotLayout(
            headDim: model.configuration.headDim, keyStorage: .f32, valueStorage: .f32, isScored: slots < fed)
        return CachePlan(
            policyName: policy.name, policy: try policy.eviction, shape: model.configuration.cacheShape, layout: layout,
            storage: .f32, positions: policy.positions, promptTokens: golden.prompt.count, plannedTokens: golden.steps,
            budgetSlots: slots)
    }

    static func run(
        _ golden: GoldenCase, _ model: DecoderModel, threads: Int, chunking: Chunking
    ) throws -> GreedyRun {
        let engine = try DecodeEngine(
            model: model, arena: KVArena(capacityBytes: 1 << 24),
            limits: DecodeEngine.Limits(maxSequences: 4, maxRows: 32, threads: threads))
        return GreedyRun(
            engine, prompt: golden.prompt, plan: try plan(golden, model), steps: golden.steps, chunking: chunking)
    }
}

extension GreedyRun {
    /// The first difference from what the case expects, or nil.
    func difference(from golden: GoldenCase) -> String? {
        if ids != golden.ids { return "ids \(ids), expected \(golden.ids)" }
        if let expected = golden.kept {
            for (call, layers) in expected.enumerated() where kept[call] != layers {
                return "kept positions differ after call \(call): \(kept[call]), expected \(layers)"
            }
        }
        for (row, top) in [(0, golden.firstTop8), (golden.steps - 1, golden.lastTop8)] {
            for (token, logit) in top where abs(Double(logits[row][token]) - logit) > 1e-4 {
                return "logit \(token) of row \(row) is \(logits[row][token]), expected \(logit)"
            }
        }
        return nil
    }
}
