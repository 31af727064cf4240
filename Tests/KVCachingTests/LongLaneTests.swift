import Generation
import Glibc
import Kernels
import TestSupport
import Testing

@testable import KVCaching

/// Attention over lanes of several parts, which the golden models are too short for.
@Suite struct LongLaneTests {
    private static let shape = shape(window: nil)

    private static func shape(window: Int?) -> CacheShape {
        CacheShape(
            layerCount: 1, kvHeads: 2, queryHeads: 6, headDim: 8, hiddenSize: 48, windows: window.map { [$0] } ?? [])
    }

    /// Rows of queries, keys and values; row i is that of position i.
    private static func rows(_ count: Int) -> ActivationRows {
        var random = SeededRandom(seed: 8)
        let columns = (shape.queryHeads + 2 * shape.kvHeads) * shape.headDim
        let rows = ActivationRows(rowCapacity: count, columns: columns)
        for row in 0..<count {
            rows.setRow(row, from: (0..<columns).map { _ in Float.random(in: -2...2, using: &random) })
        }
        return rows
    }

    private struct Case {
        var policy = "full"
        var storage = "f32"
        var budget: Int?
        var parameters: [String: PolicyParameter] = [:]
        var threads = 1
        /// Prompt rows that run together.
        var chunk = 100
        var encoding = PositionEncoding.none
        var window: Int?
        var softCap: Float?
        var table = KernelTable.best
        /// Seed of a sequence that was admitted before.
        var earlierSeed: Int?

        func plan(prompt: Int, new: Int, seed: Int? = nil) throws -> CachePlan {
            var request = KVCacheRequest()
            request.policy = policy
            request.storage = storage
            request.policyParameters = parameters
            if let seed { request.policyParameters["seed"] = .integer(seed) }
            if let budget { request.budget = .tokens(budget) }
            return try PolicyTable.plan(
                request, defaults: KVCacheRequest(), promptTokens: prompt, maxNewTokens: new + 1,
                shape: LongLaneTests.shape(window: window),
                usesRoPE: false)
        }
    }

    /// The output rows from position `first` on, by default the prompt's last one, and what is kept then.
    private static func run(
        _ test: Case, prompt: Int, steps: Int, offset: Int = 0, outputsFrom first: Int? = nil
    ) throws -> (outputs: [[Float]], kept: [Int], scores: [Float]) {
        let all = rows(offset + prompt + steps)
        let compute = try Compute(threadCount: test.threads, table: test.table)
        defer { compute.stop() }
        let attention = LaneAttention(
            compute: compute, shape: shape(window: test.window),
            layers: [
                LayerAttention(
                    encoding: test.encoding, scale: 1 / Float(shape.headDim).squareRoot(), softCap: test.softCap)
            ])
        if let seed = test.earlierSeed {
            attention.reserve(for: try test.plan(prompt: prompt, new: steps, seed: seed))
        }
        let plan = try test.plan(prompt: prompt, new: steps)
        attention.reserve(for: plan)
        let cache = SequenceCache(plan: plan, arena: KVArena(capacityBytes: 1 << 26))
        let output = ActivationRows(rowCapacity: offset + prompt + steps, columns: shape.queryHeads * shape.headDim)
        for start in stride(from: 0, to: prompt, by: test.chunk) {
            let job = AttentionJob(
                cache: cache, firstRow: offset + start, promptRows: start..<min(prompt, start + test.chunk))
            attention.run([job], layer: 0, qkv: all, output: output)
        }
        cache.promptFinished()
        for row in prompt..<prompt + steps {
            attention.run(
                [AttentionJob(cache: cache, firstRow: offset + row, promptRows: nil)], layer: 0, qkv: all,
                output: output)
            cache.stepFinished()
        }
        return (
            ((first ?? prompt - 1)..<prompt + steps).map { output.row(offset + $0) },
            cache.keptPositions(layer: 0, kvHead: 1),
            cache.scores(layer: 0, kvHead: 1)
        )
    }

    private static var encodings: [PositionEncoding] {
        [.none, .alibi(slopes: (0..<shape.queryHeads).map { 0.01 * Float($0) })]
    }

    /// A token's bits do not depend on whether it was part of the prompt, on chunks, threads or kernels.
    @Test(arguments: [511, 512, 513, 1030, 2049])
    func aDecodedRowHasTheBitsOfThePromptsRow(length: Int) throws {
        for encoding in Self.encodings {
            let expected = try Self.run(Case(encoding: encoding, table: .scalar), prompt: length, steps: 0)
            for threads in 1...3 {
                let test = Case(threads: threads, chunk: 37 * threads, encoding: encoding)
                let decoded = try Self.run(test, prompt: length - 3, steps: 3)
                #expect(decoded.outputs.last == expected.outputs.last, "\(threads) threads")
                #expect(try Self.run(test, prompt: length, steps: 0).outputs == expected.outputs)
            }
        }
    }

    /// Where lanes are fewer than threads, these share a lane's rows; a policy without scores prunes it when all are
    /// done.
    @Test(arguments: ["full", "window"], [64, 100, 333])
    func everyRowOfAPromptHasItsBitsWhoeverComputesIt(policy: String, chunk: Int) throws {
        for encoding in Self.encodings {
            var test = Case(policy: policy, budget: policy == "full" ? nil : 600, encoding: encoding)
            let expected = try Self.run(test, prompt: 700, steps: 0, outputsFrom: 0)
            for threads in [2, 4] {
                (test.threads, test.chunk) = (threads, chunk)
                #expect(try Self.run(test, prompt: 700, steps: 0, outputsFrom: 0) == expected, "\(threads) threads")
            }
        }
    }

    @Test func partsAddUpToAttention() throws {
        #expect(try Self.error(of: "f32") < 1e-5)
    }

    /// The stated errors of the other storage types, on keys and values of variance 4/3: largest and root of the mean
    /// square, beside values of up to 2.
    @Test(arguments: [("f16", 0.002, 0.0003), ("bf16", 0.01, 0.003), ("q8", 0.02, 0.005), ("q4", 0.3, 0.09)])
    func attentionIsNearTheUnroundedOne(storage: String, largest: Double, typical: Double) throws {
        let errors = try Self.errors(of: storage)
        #expect(errors.map(abs).max() ?? 1 < largest)
        #expect((errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot() < typical)
    }

    private static func error(of storage: String) throws -> Double { try errors(of: storage).map(abs).max() ?? 1 }

    /// What the output of the last of many rows is off from the textbook's formula.
    private static func errors(of storage: String) throws -> [Double] {
        let count = 1300
        let found = try Self.run(Case(storage: storage, threads: 2), prompt: count - 2, steps: 2).outputs.last ?? []
        let all = Self.rows(count)
        let (heads, dim) = (Self.shape.queryHeads, Self.shape.headDim)
        var errors: [Double] = []
        for head in 0..<heads {
            let (query, kvHead) = (all.row(count - 1), head / Self.shape.groupSize)
            var sums = [Double](repeating: 0, count: dim)
            var total = 0.0
            for entry in 0..<count {
                let row = all.row(entry)
                let dot = (0..<dim).reduce(0.0) { sum, index in
                    sum + Double(query[head * dim + index]) * Double(row[(heads + kvHead) * dim + index])
                }
                let weight = exp(dot / Double(dim).squareRoot())
                total += weight
                for index in 0..<dim {
                    sums[index] += weight * Double(row[(heads + Self.shape.kvHeads + kvHead) * dim + index])
                }
            }
            for index in 0..<dim { errors.append(sums[index] / total - Double(found[head * dim + index])) }
        }
        return errors
    }

    /// Whether the best table gives the policy the bits of AVX2: scalar noise may differ in the last ones.
    private static func isComparable(_ policy: String) -> Bool {
        policy != "keyformer" || KernelTable.best.isa != "scalar"
    }

    /// Scores and choices over several parts, full lanes included.
    @Test(arguments: ["h2o", "keyformer", "window", "random"], ["original", "compact"])
    func policiesDoNotDependOnThreadsChunksAndKernels(policy: String, positions: String) throws {
        for storage in KVStorage.allCases {
            var test = Case(
                policy: policy, storage: storage.rawValue, budget: 1100, parameters: ["positions": .text(positions)])
            let expected = try Self.run(test, prompt: 1300, steps: 20)
            (test.threads, test.chunk) = (3, 301)
            let other = try Self.run(test, prompt: 1300, steps: 20)
            #expect(other == expected, "\(storage)")
            #expect(expected.kept.count == 1100)
            guard Self.isComparable(policy) else { continue }
            test.table = .named("avx2") ?? .best
            #expect(try Self.run(test, prompt: 1300, steps: 20) == expected, "\(storage)")
        }
    }

    /// A layer with a window, before and after the budget is smaller than it.
    @Test(arguments: ["full", "h2o", "keyformer", "streaming", "random"], [560, 1200])
    func windowedLanesDoNotDependOnThreadsChunksAndKernels(policy: String, window: Int) throws {
        var test = Case(policy: policy, budget: policy == "full" ? nil : 600)
        (test.window, test.softCap, test.encoding) = (window, 2, Self.encodings[1])
        let expected = try Self.run(test, prompt: 1300, steps: 40)
        (test.threads, test.chunk) = (3, 301)
        #expect(try Self.run(test, prompt: 1300, steps: 40) == expected)
        if Self.isComparable(policy) {
            test.table = .named("avx2") ?? .best
            #expect(try Self.run(test, prompt: 1300, steps: 40) == expected)
        }
        let most = min(window - 1, test.budget ?? 1340)
        #expect(expected.kept.count == most)
        #expect(expected.kept.allSatisfy { $0 > 1340 - window })
    }

    /// What a query sees of the past is what its window lets it see, in the prompt and while decoding.
    @Test func aWindowHidesWhatLiesBeforeIt() throws {
        var test = Case()
        test.window = 600
        let windowed = try Self.run(test, prompt: 1290, steps: 10).outputs
        test.window = nil
        for position in [1289, 1290, 1299] {
            let alone = try Self.run(test, prompt: 600, steps: 0, offset: position - 599).outputs[0]
            let worst = zip(windowed[position - 1289], alone).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst < 1e-5, "position \(position)")
        }
    }

    /// Noise that was drawn beforehand is that which is drawn when it is needed.
    @Test func theNoiseTableChangesNothing() throws {
        var test = Case(policy: "keyformer", budget: 600, parameters: ["noise": .text("fixed"), "seed": .integer(5)])
        let expected = try Self.run(test, prompt: 800, steps: 30)
        test.earlierSeed = 6
        #expect(try Self.run(test, prompt: 800, steps: 30) == expected)
        test.parameters["seed"] = .integer(6)
        #expect(try Self.run(test, prompt: 800, steps: 30).scores != expected.scores)
    }
}
