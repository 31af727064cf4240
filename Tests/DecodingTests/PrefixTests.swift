import Decoding
import Generation
import KVCaching
import Kernels
import TestSupport
import Testing

/// Prompts that begin with blocks which other sequences have read (`SequencePrefix`).
@Suite struct PrefixTests {
    static let blockTokens = KernelTable.keyTile

    /// A cache request by policy and storage; `budget` in slots.
    static func request(_ policy: String = "full", storage: String = "f16", budget: Int? = nil) -> KVCacheRequest {
        var request = KVCacheRequest()
        request.policy = policy
        request.storage = storage
        request.budget = budget.map { .tokens($0) }
        return request
    }

    /// An engine and the pieces that a scheduler would plan.
    final class Bench {
        let engine: DecodeEngine
        let arena = KVArena(capacityBytes: 1 << 26)
        let layers: Int
        private(set) var runs: [SequenceID: GreedyRun] = [:]

        init(_ model: DecoderModel, threads: Int = 2, rows: Int = 64) throws {
            engine = try DecodeEngine(
                model: model, arena: arena,
                limits: DecodeEngine.Limits(maxSequences: 16, maxRows: rows, threads: threads))
            layers = model.configuration.layerCount
        }

        func admit(
            _ id: UInt64, _ prompt: [TokenID], _ plan: CachePlan, whole: [UInt64] = [], own: Int = 0
        ) {
            let prefix = SequencePrefix(
                blockTokens: PrefixTests.blockTokens, whole: whole.map { PrefixBlockID($0) }, own: own)
            engine.admit(
                SequenceAdmission(
                    id: SequenceID(id), prompt: prompt, plan: plan, promptLogits: false, prefix: prefix))
            runs[SequenceID(id)] = GreedyRun()
        }

        /// Reads rows of a prompt, `size` at a time.
        func read(_ id: UInt64, _ rows: Range<Int>, size: Int = 1000) {
            let id = SequenceID(id)
            let byRows = engine.cache(of: id).plan.passesByRows
            for part in byRows ? [0..<layers] : (0..<layers).map({ $0..<$0 + 1 }) {
                for start in stride(from: rows.lowerBound, to: rows.upperBound, by: size) {
                    let rows = start..<min(rows.upperBound, start + size)
                    run(StepBatch(prefill: [PrefillPiece(sequence: id, layers: part, rows: rows)]))
                }
            }
        }

        /// One token more for each.
        func decode(_ ids: UInt64..., steps: Int) {
            for _ in 0..<steps {
                run(
                    StepBatch(
                        decode: ids.map { id in
                            .init(sequence: SequenceID(id), token: runs[SequenceID(id)]?.ids.last ?? 0)
                        }))
            }
        }

        func share(_ id: UInt64, blocks: Range<Int>) {
            for block in blocks {
                engine.share(
                    SequenceID(id), block: block, of: PrefixTests.blockTokens, as: PrefixBlockID(UInt64(block)))
            }
        }

        private func run(_ batch: StepBatch) {
            engine.run(batch) { origin, row in
                guard case .next(let id) = origin else { return }
                let values = row.indices.map { row[$0] }
                runs[id]?.logits.append(values)
                runs[id]?.ids.append(TokenID(GreedyRun.argmax(values)))
            }
        }

        func logits(_ id: UInt64) -> [[Float]] { runs[SequenceID(id)]?.logits ?? [] }
    }

    /// Donor, then sequences that read its blocks beside it and after it, against each alone.
    @Test(arguments: GoldenCase.architectures)
    func aHitGivesTheBitsOfAMiss(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        let first = PromiseTests.prompt(60, seed: 1)
        let second = Array(first[..<50]) + PromiseTests.prompt(11, seed: 2)
        for storage in KVCacheRequest.storages {
            let plans = try [first, second].map {
                try PromiseTests.plan(Self.request(storage: storage), model, prompt: $0.count, new: 10)
            }
            let expected = try zip([first, second], plans).map {
                try GreedyRun(PromiseTests.engine(model), prompt: $0, plan: $1, steps: 10).logits
            }
            for size in [1000, 7, 1] {
                let bench = try Bench(model, threads: size == 7 ? 1 : 2)
                bench.admit(1, first, plans[0], own: 3)
                #expect(bench.arena.usedBytes == plans[0].steadyBytes)
                bench.read(1, 0..<60, size: size)
                bench.share(1, blocks: 0..<3)
                #expect(bench.arena.usedBytes == plans[0].steadyBytes)
                bench.decode(1, steps: 4)
                bench.admit(2, second, plans[1], whole: [0, 1, 2])
                let block = PrefixBlock.byteCount(slots: Self.blockTokens, plan: plans[1])
                #expect(bench.arena.usedBytes == plans[0].steadyBytes + plans[1].steadyBytes - 3 * block)
                bench.read(2, 48..<61, size: size)
                bench.decode(1, 2, steps: 5)
                bench.engine.release(SequenceID(1))
                // The donor is gone: one reads what it left, one reads half of it and one of them has all its own.
                bench.admit(3, second, plans[1], whole: [0, 1], own: 1)
                bench.read(3, 32..<61, size: size)
                bench.decode(2, 3, steps: 4)
                bench.decode(3, steps: 5)
                #expect(bench.logits(1) == expected[0], "\(storage) \(size)")
                #expect(bench.logits(2) == expected[1], "\(storage) \(size)")
                #expect(bench.logits(3) == expected[1], "\(storage) \(size)")
                #expect(bench.engine.usage(of: SequenceID(3)).promptTokensRetained == 61)
                #expect(bench.engine.cache(of: SequenceID(2)).brokenInvariant() == nil)
                for block in 0..<3 { bench.engine.forget(PrefixBlockID(UInt64(block))) }
                for id in 2...3 { bench.engine.release(SequenceID(UInt64(id))) }
                #expect(bench.arena.usedBytes == 0)
            }
        }
    }

    /// Two read the same prompt at once: the slower one takes over what the faster one has read.
    @Test(arguments: GoldenCase.architectures)
    func blocksCanBeTakenOverInTheMiddleOfAPrompt(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        let prompt = PromiseTests.prompt(70, seed: 3)
        for storage in KVCacheRequest.storages {
            let plan = try PromiseTests.plan(Self.request(storage: storage), model, prompt: 70, new: 6)
            let expected = try GreedyRun(PromiseTests.engine(model), prompt: prompt, plan: plan, steps: 6).logits
            let bench = try Bench(model)
            bench.admit(1, prompt, plan, own: 4)
            bench.admit(2, prompt, plan, own: 4)
            bench.read(1, 0..<40)
            bench.read(2, 0..<20)
            bench.share(1, blocks: 0..<2)
            bench.engine.adopt(SequenceID(2), [PrefixBlockID(0), PrefixBlockID(1)])
            let block = PrefixBlock.byteCount(slots: Self.blockTokens, plan: plan)
            #expect(bench.arena.usedBytes == 2 * plan.steadyBytes - 2 * block)
            bench.read(2, 32..<70)
            bench.read(1, 40..<70)
            bench.decode(1, 2, steps: 5)
            #expect(bench.logits(1) == expected && bench.logits(2) == expected, "\(storage)")
        }
    }

    /// A cache that will drop or keep entries in its own way copies the blocks, and gives some to others.
    @Test(arguments: GoldenCase.architectures)
    func cachesThatEvictCopyBlocks(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        let prompt = PromiseTests.prompt(60, seed: 4)
        for storage in KVCacheRequest.storages {
            let full = try PromiseTests.plan(Self.request(storage: storage), model, prompt: 60, new: 6)
            let bench = try Bench(model)
            bench.admit(0, prompt, full, own: 3)
            bench.read(0, 0..<60)
            bench.share(0, blocks: 0..<3)
            bench.engine.release(SequenceID(0))
            let shared = bench.arena.usedBytes
            for (number, budget) in [20, 40, 62].enumerated() {
                let plan = try PromiseTests.plan(
                    Self.request("window", storage: storage, budget: budget), model, prompt: 60, new: 9)
                let expected = try GreedyRun(PromiseTests.engine(model), prompt: prompt, plan: plan, steps: 9).logits
                for size in [1000, 7] {
                    let id = UInt64(2 * number + (size == 7 ? 1 : 2))
                    bench.admit(id, prompt, plan, whole: [0, 1, 2])
                    #expect(bench.arena.usedBytes == shared + plan.peakBytes)
                    bench.read(id, 48..<60, size: size)
                    bench.decode(id, steps: 8)
                    #expect(bench.logits(id) == expected, "\(storage) \(budget) \(size)")
                    bench.engine.release(SequenceID(id))
                    #expect(bench.arena.usedBytes == shared)
                }
            }
        }
    }

    /// Families with windows copy into the layers that have them; where RoPE depends on length, kinds may differ.
    @Test(arguments: FamilyVector.names)
    func everyFamilyFindsItsBlocks(name: String) throws {
        let model = try FamilyVector(name).model
        let prompt = PromiseTests.prompt(40, seed: 5)
        let short = try PromiseTests.plan(Self.request(storage: "f32"), model, prompt: 17, new: 2)
        let plan = try PromiseTests.plan(Self.request(storage: "f32"), model, prompt: 40, new: 12)
        let bench = try Bench(model)
        guard short.passesByRows else { return }
        guard bench.engine.prefixKind(of: short) == bench.engine.prefixKind(of: plan) else {
            #expect(name == "llama-dynamic" || name.hasPrefix("phi3-longrope"))
            return
        }
        let expected = try GreedyRun(PromiseTests.engine(model), prompt: prompt, plan: plan, steps: 12).logits
        bench.admit(1, Array(prompt[..<17]), short, own: short.readsBlocks ? 1 : 0)
        bench.read(1, 0..<17)
        bench.share(1, blocks: 0..<1)
        bench.engine.release(SequenceID(1))
        for size in [1000, 7] {
            let id = UInt64(size)
            bench.admit(id, prompt, plan, whole: [0], own: plan.readsBlocks ? 1 : 0)
            bench.read(id, 16..<40, size: size)
            bench.decode(id, steps: 11)
            #expect(bench.logits(id) == expected, "\(size)")
            bench.engine.release(SequenceID(id))
        }
    }

    /// Long lanes, whose sums are taken in parts, with blocks within them; several threads share them.
    @Test func longPromptsKeepTheOrderOfTheirSums() throws {
        let model = try GoldenModel.load("llama")
        let prompt = PromiseTests.prompt(1100, seed: 6)
        for storage in ["f32", "f16", "q8"] {
            let plan = try PromiseTests.plan(Self.request(storage: storage), model, prompt: 1100, new: 40)
            let expected = try GreedyRun(
                PromiseTests.engine(model, rows: 200), prompt: prompt, plan: plan, steps: 40
            ).logits
            let bench = try Bench(model, threads: 3, rows: 128)
            bench.admit(1, prompt, plan, own: 60)
            bench.read(1, 0..<1100, size: 100)
            bench.share(1, blocks: 0..<60)
            bench.admit(2, prompt, plan, whole: (0..<33).map { UInt64($0) }, own: 4)
            bench.read(2, 528..<1100, size: 77)
            bench.decode(1, 2, steps: 39)
            #expect(bench.logits(1) == expected && bench.logits(2) == expected, "\(storage)")
        }
    }
}
