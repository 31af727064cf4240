import Decoding
import Generation
import KVCaching
import ModelFiles
import Tensors
import TestSupport
import Testing

/// The promises hold whatever the weights are stored as.
@Suite struct QuantisedWeightTests {
    static let types = DType.allCases.filter { $0.blockElements > 1 }

    /// A Llama of two layers whose matrices have random weights of the types, in turn. With `isExact` they are stored
    /// as the f32 values that the types' bytes stand for.
    private static func model(_ types: [DType], isExact: Bool = false) throws -> DecoderModel {
        let pools = types.map { Pool($0) }
        let (hidden, feedForward, layers, vocabulary) = (256, 512, 2, 256)
        var random = SeededRandom(seed: 21)
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("llama"))
        for (key, value) in [
            ("vocab_size", vocabulary), ("context_length", 160), ("embedding_length", hidden), ("block_count", layers),
            ("feed_forward_length", feedForward), ("attention.head_count", 4), ("attention.head_count_kv", 2),
        ] {
            writer.add("llama.\(key)", .uint32(UInt32(value)))
        }
        writer.add("llama.attention.layer_norm_rms_epsilon", .float32(1e-5))
        writer.add("llama.rope.freq_base", .float32(10_000))
        var matrices = 0
        func matrix(_ name: String, _ rows: Int, _ columns: Int) {
            let pool = pools[matrices % types.count]
            matrices += 1
            let pieces = (0..<rows * columns / 256).map { _ in Int.random(in: 0..<pool.pieces.count, using: &random) }
            guard isExact else {
                return writer.add(
                    name, shape: [rows, columns], typeNumber: GGUFWriter.number(of: pool.type),
                    bytes: pieces.flatMap { pool.pieces[$0] })
            }
            writer.add(name, shape: [rows, columns], type: .f32, values: pieces.flatMap { pool.values[$0] })
        }
        let ones = [Float](repeating: 1, count: hidden)
        matrix("token_embd.weight", vocabulary, hidden)
        matrix("output.weight", vocabulary, hidden)
        writer.add("output_norm.weight", shape: [hidden], type: .f32, values: ones)
        for layer in 0..<layers {
            writer.add("blk.\(layer).attn_norm.weight", shape: [hidden], type: .f32, values: ones)
            writer.add("blk.\(layer).ffn_norm.weight", shape: [hidden], type: .f32, values: ones)
            matrix("blk.\(layer).attn_q.weight", hidden, hidden)
            matrix("blk.\(layer).attn_k.weight", hidden / 2, hidden)
            matrix("blk.\(layer).attn_v.weight", hidden / 2, hidden)
            matrix("blk.\(layer).attn_output.weight", hidden, hidden)
            matrix("blk.\(layer).ffn_gate.weight", feedForward, hidden)
            matrix("blk.\(layer).ffn_up.weight", feedForward, hidden)
            matrix("blk.\(layer).ffn_down.weight", hidden, feedForward)
        }
        let folder = try TemporaryFolder()
        return try DecoderModel.load(.gguf(GGUFFile(path: folder.write(writer.bytes(), to: "model.gguf"))))
    }

    /// Pieces of 256 random weights that matrices are laid with: encoding each of its own would take long.
    private struct Pool {
        let type: DType
        let pieces: [[UInt8]]
        let values: [[Float]]

        init(_ type: DType) {
            var random = SeededRandom(seed: 22)
            self.type = type
            pieces = (0..<24).map { _ in ReferenceQuantisation.encode(random.values(256).map { $0 / 10 }, as: type) }
            values = pieces.map { ReferenceQuantisation.decode($0, as: type) }
        }
    }

    /// Each type alone, and all of them in one file.
    private static let mixes = types.map { [$0] } + [types]

    private static func request(_ policy: String) -> KVCacheRequest {
        var request = KVCacheRequest()
        request.policy = policy
        return request
    }

    @Test(arguments: mixes) func logitsAreThoseOfTheWeightsValues(types: [DType]) throws {
        let prompt = PromiseTests.prompt(24, seed: 5)
        let runs = try [false, true].map { isExact in
            let model = try Self.model(types, isExact: isExact)
            return try GreedyRun(
                PromiseTests.engine(model), prompt: prompt,
                plan: PromiseTests.plan(Self.request("full"), model, prompt: 24, new: 1), steps: 1)
        }
        let pairs = zip(runs[0].logits[0], runs[1].logits[0])
        let error = pairs.reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        let size = runs[1].logits[0].reduce(0.0) { $0 + Double($1) * Double($1) }
        // Activations are rounded to 8 bits before each product.
        #expect((error / size).squareRoot() < 0.05, "\(types.map(\.name)): \((error / size).squareRoot())")
    }

    @Test(arguments: mixes) func aBudgetThatIsNeverReachedGivesTheBitsOfFull(types: [DType]) throws {
        let model = try Self.model(types)
        let prompt = PromiseTests.prompt(30, seed: 6)
        let expected = try GreedyRun(
            PromiseTests.engine(model), prompt: prompt,
            plan: PromiseTests.plan(Self.request("full"), model, prompt: 30, new: 6), steps: 6)
        var request = Self.request("keyformer")
        request.budget = .tokens(36)
        for chunking in Chunking.allCases {
            let run = try GreedyRun(
                PromiseTests.engine(model, threads: 1), prompt: prompt,
                plan: PromiseTests.plan(request, model, prompt: 30, new: 6), steps: 6, chunking: chunking)
            #expect(run.logits == expected.logits, "\(types.map(\.name)) \(chunking)")
        }
    }

    @Test(arguments: mixes) func aSequenceDoesNotDependOnItsBatch(types: [DType]) throws {
        let model = try Self.model(types)
        var random = SeededRandom(seed: 7)
        var entries: [(id: SequenceID, prompt: [TokenID], plan: CachePlan)] = []
        for (index, policy) in ["full", "keyformer", "window", "h2o", "full"].enumerated() {
            var request = Self.request(policy)
            let length = Int.random(in: 8...40, using: &random)
            if policy != "full" { request.budget = .tokens(length / 2 + 4) }
            entries.append(
                (
                    SequenceID(UInt64(index)), PromiseTests.prompt(length, seed: UInt64(index)),
                    try PromiseTests.plan(request, model, prompt: length, new: 5)
                ))
        }
        let together = try BatchRun(
            PromiseTests.engine(model, threads: 2, rows: 24), entries, steps: 5, random: &random)
        for entry in entries {
            let alone = try GreedyRun(
                PromiseTests.engine(model, threads: 1, rows: 64), prompt: entry.prompt, plan: entry.plan, steps: 5)
            #expect(together.logits[entry.id] == alone.logits, "\(types.map(\.name)) \(entry.plan.policyName)")
        }
    }
}
