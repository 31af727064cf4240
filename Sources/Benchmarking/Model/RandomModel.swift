internal import Foundation
internal import Glibc

/// Writes a Llama-architecture GGUF file with random weights of a given shape: as fast and as large as a real model of
/// that shape, without its meaning. Every GGUF reader of that architecture can load it.
///
/// The same shape, type and seed give the same bytes. Weights are scaled so that activations and logits stay of order 1
/// through all layers.
public struct RandomModel: Sendable {
    public let shape: ModelShape
    public let type: WeightType
    public let seed: UInt64

    public init(shape: ModelShape, type: WeightType, seed: UInt64) {
        self.shape = shape
        self.type = type
        self.seed = seed
    }

    /// A tensor to be written: matrices are random with a deviation, vectors are ones.
    private struct Plan {
        let name: String
        let shape: [Int]
        let deviation: Float?
    }

    /// Bytes that are written at once.
    private static let pieceBytes = 1 << 20

    /// Writes the file, replacing what is there, and returns its size. Holds a megabyte of it at a time.
    @discardableResult
    public func write(to path: String) throws(BenchmarkError) -> Int {
        guard shape.fits(type) else { throw .badShape(shape: shape, type: type) }
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw .unwritable(path: path, reason: "it cannot be created") }
        do {
            return try write(to: file)
        } catch {
            throw .unwritable(path: path, reason: error.localizedDescription)
        }
    }

    private func write(to file: FileHandle) throws -> Int {
        let plans = plans()
        var header = GGUFHeader(entries: metadata())
        header.tensors = plans.map { plan in
            (plan.name, plan.shape, stored(plan).typeNumber, stored(plan).byteCount(elements: plan.shape.reduce(1, *)))
        }
        var bytes = header.bytes()
        var written = 0
        func flush() throws {
            try file.write(contentsOf: Data(bytes))
            written += bytes.count
            bytes.removeAll(keepingCapacity: true)
        }
        for (index, plan) in plans.enumerated() {
            var random = WeightRandom(seed: seed, stream: index)
            let columns = plan.shape[plan.shape.count - 1]
            for _ in 0..<plan.shape.reduce(1, *) / columns {
                if let deviation = plan.deviation {
                    type.append(columns, deviation: deviation, from: &random, to: &bytes)
                } else {
                    for _ in 0..<columns { bytes.append(littleEndian: Float(1).bitPattern) }
                }
                if bytes.count >= Self.pieceBytes { try flush() }
            }
            let place = written + bytes.count
            bytes += repeatElement(0, count: GGUFHeader.padded(place) - place)
        }
        try flush()
        try file.close()
        return written
    }

    private func stored(_ plan: Plan) -> WeightType { plan.deviation == nil ? .f32 : type }

    private func plans() -> [Plan] {
        let size = shape.dimensions
        let keyRows = size.kvHeads * size.headDim
        let queryRows = size.queryHeads * size.headDim
        // Inputs of matrices are normed, so 1/√columns keeps order 1; what is added to the residual stream is divided
        // by √(2 · layers), the number of additions.
        func inner(_ columns: Int) -> Float { 1 / Float(columns).squareRoot() }
        let residual = 1 / Float(2 * size.layers).squareRoot()
        var plans = [
            Plan(
                name: "token_embd.weight", shape: [size.vocabulary, size.hidden], deviation: 2 * inner(size.hidden)),
            Plan(name: "output_norm.weight", shape: [size.hidden], deviation: nil),
        ]
        for layer in 0..<size.layers {
            func add(_ name: String, _ shape: [Int], _ deviation: Float?) {
                plans.append(Plan(name: "blk.\(layer).\(name).weight", shape: shape, deviation: deviation))
            }
            add("attn_norm", [size.hidden], nil)
            add("attn_q", [queryRows, size.hidden], inner(size.hidden))
            add("attn_k", [keyRows, size.hidden], inner(size.hidden))
            add("attn_v", [keyRows, size.hidden], inner(size.hidden))
            add("attn_output", [size.hidden, queryRows], inner(queryRows) * residual)
            add("ffn_norm", [size.hidden], nil)
            add("ffn_gate", [size.feedForward, size.hidden], inner(size.hidden))
            add("ffn_up", [size.feedForward, size.hidden], inner(size.hidden))
            add("ffn_down", [size.hidden, size.feedForward], inner(size.feedForward) * residual)
        }
        return plans
    }

    private func metadata() -> [(key: String, value: GGUFHeader.Value)] {
        let size = shape.dimensions
        let vocabulary = SyntheticVocabulary(size: size.vocabulary)
        return [
            ("general.architecture", .string("llama")),
            ("general.name", .string("random-\(shape.rawValue)-\(type.rawValue)-seed\(seed)")),
            ("general.file_type", .uint32(type.fileType)), ("general.quantization_version", .uint32(2)),
            ("llama.block_count", .uint32(UInt32(size.layers))),
            ("llama.context_length", .uint32(UInt32(size.context))),
            ("llama.embedding_length", .uint32(UInt32(size.hidden))),
            ("llama.feed_forward_length", .uint32(UInt32(size.feedForward))),
            ("llama.attention.head_count", .uint32(UInt32(size.queryHeads))),
            ("llama.attention.head_count_kv", .uint32(UInt32(size.kvHeads))),
            ("llama.attention.key_length", .uint32(UInt32(size.headDim))),
            ("llama.attention.value_length", .uint32(UInt32(size.headDim))),
            ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
            ("llama.rope.dimension_count", .uint32(UInt32(size.headDim))),
            ("llama.rope.freq_base", .float32(size.ropeTheta)),
            ("llama.vocab_size", .uint32(UInt32(size.vocabulary))), ("tokenizer.ggml.model", .string("gpt2")),
            ("tokenizer.ggml.pre", .string("gpt-2")), ("tokenizer.ggml.tokens", .strings(vocabulary.tokens)),
            ("tokenizer.ggml.token_type", .int32s(vocabulary.kinds.map(\.rawValue))),
            ("tokenizer.ggml.merges", .strings(vocabulary.merges)),
            ("tokenizer.ggml.bos_token_id", .uint32(UInt32(vocabulary.bosToken))),
            ("tokenizer.ggml.eos_token_id", .uint32(UInt32(vocabulary.eosToken))),
            ("tokenizer.ggml.add_bos_token", .bool(false)), ("tokenizer.ggml.add_eos_token", .bool(false)),
        ]
    }
}
