import Decoding
import Generation
import KVCaching
import Kernels
import ModelFiles
import Tensors
import TestSupport
import Testing

/// The golden models written as GGUF under that format's names give the bits of the Hugging Face folders.
@Suite struct GGUFFamilyTests {
    @Test(arguments: GoldenCase.architectures)
    func theSameWeightsGiveTheSameLogits(architecture: String) throws {
        let source = try DecoderModel.load(
            .huggingFace(SafetensorsFolder(folder: "\(GoldenCase.folder)/\(architecture)")))
        let folder = try TemporaryFolder()
        var conversion = try GoldenGGUF(architecture)
        let path = try folder.write(conversion.bytes(), to: "model.gguf")
        let converted = try DecoderModel.load(ModelSource.open(path: path))
        var expected = source.configuration
        for index in expected.layers.indices where architecture == "llama" {
            guard case .rope(var rope) = expected.layers[index].positions else { continue }
            rope.interleaved = true
            expected.layers[index].positions = .rope(rope)
        }
        // GGUF cannot say which GELU; llama.cpp's GPT-2 uses the tanh form.
        if architecture == "gpt2" { expected.feedForward.activation = .geluTanh }
        #expect(converted.configuration == expected)
        guard architecture != "gpt2" else { return }
        for (index, model) in [source, converted].enumerated() {
            let golden = try #require(try GoldenCase.load(architecture).last)
            let run = try GoldenModel.run(golden, model, threads: 1, chunking: .whole)
            if let difference = run.difference(from: golden) { Issue.record("\(architecture) \(index): \(difference)") }
        }
    }
}

/// Writes a golden model as GGUF.
struct GoldenGGUF {
    private let architecture: String
    private let folder: SafetensorsFolder
    private var writer = GGUFWriter()

    init(_ architecture: String) throws {
        self.architecture = architecture
        folder = try SafetensorsFolder(folder: "\(GoldenCase.folder)/\(architecture)")
    }

    private static let layers = 3
    private static let hidden = 64

    mutating func bytes() throws -> [UInt8] {
        writer.add("general.architecture", .string(architecture))
        for (key, value) in [
            ("vocab_size", 256), ("context_length", 160), ("embedding_length", Self.hidden),
            ("block_count", Self.layers),
            ("feed_forward_length", architecture == "mpt" ? 256 : 128), ("attention.head_count", 4),
            ("attention.head_count_kv", architecture == "llama" ? 2 : 4),
        ] {
            writer.add("\(architecture).\(key)", .uint32(UInt32(value)))
        }
        switch architecture {
        case "llama":
            writer.add("llama.attention.layer_norm_rms_epsilon", .float32(1e-5))
            writer.add("llama.rope.freq_base", .float32(10_000))
        case "gptj":
            writer.add("gptj.rope.dimension_count", .uint32(8))
            writer.add("gptj.attention.layer_norm_epsilon", .float32(1e-5))
        case "mpt":
            writer.add("mpt.attention.max_alibi_bias", .float32(8))
            writer.add("mpt.attention.layer_norm_epsilon", .float32(1e-5))
        default: writer.add("gpt2.attention.layer_norm_epsilon", .float32(1e-5))
        }
        for (from, to) in Self.names[architecture] ?? [] {
            if from.contains("*") {
                for layer in 0..<Self.layers {
                    try add(
                        from.split(separator: "*", omittingEmptySubsequences: false).joined(separator: "\(layer)"),
                        as: "blk.\(layer)." + to)
                }
            } else {
                try add(from, as: to)
            }
        }
        return writer.bytes()
    }

    /// Weight and, where there is one, bias.
    private mutating func add(_ from: String, as to: String) throws {
        for suffix in [".weight", ".bias"] where folder.tensors.info(named: from + suffix) != nil {
            var tensor = try folder.tensors.tensor(named: from + suffix)
            let isConv1D = architecture == "gpt2" && tensor.shape.count == 2 && from.contains(".h.")
            if isConv1D { tensor = tensor.transposed() }
            var values = tensor.floats()
            if architecture == "llama" && (to.hasSuffix("attn_q") || to.hasSuffix("attn_k")) {
                values = Self.interleaved(values, columns: tensor.columns)
            }
            writer.add(to + suffix, shape: tensor.shape, type: .f32, values: values)
        }
    }

    /// Rows of each head of 16 reordered from pairs (i, i + 8) to pairs (2i, 2i + 1).
    private static func interleaved(_ values: [Float], columns: Int) -> [Float] {
        (0..<values.count / columns).flatMap { row in
            let (head, index) = (row / 16 * 16, row % 16)
            let source = head + index / 2 + (index % 2) * 8
            return values[source * columns..<(source + 1) * columns]
        }
    }

    private static let names: [String: [(String, String)]] = [
        "llama": [
            ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"),
            ("model.layers.*.input_layernorm", "attn_norm"), ("model.layers.*.post_attention_layernorm", "ffn_norm"),
            ("model.layers.*.self_attn.q_proj", "attn_q"), ("model.layers.*.self_attn.k_proj", "attn_k"),
            ("model.layers.*.self_attn.v_proj", "attn_v"), ("model.layers.*.self_attn.o_proj", "attn_output"),
            ("model.layers.*.mlp.gate_proj", "ffn_gate"), ("model.layers.*.mlp.up_proj", "ffn_up"),
            ("model.layers.*.mlp.down_proj", "ffn_down"),
        ],
        "gptj": [
            ("transformer.wte", "token_embd"), ("transformer.ln_f", "output_norm"), ("lm_head", "output"),
            ("transformer.h.*.ln_1", "attn_norm"), ("transformer.h.*.attn.q_proj", "attn_q"),
            ("transformer.h.*.attn.k_proj", "attn_k"), ("transformer.h.*.attn.v_proj", "attn_v"),
            ("transformer.h.*.attn.out_proj", "attn_output"), ("transformer.h.*.mlp.fc_in", "ffn_up"),
            ("transformer.h.*.mlp.fc_out", "ffn_down"),
        ],
        "gpt2": [
            ("transformer.wte", "token_embd"), ("transformer.wpe", "position_embd"),
            ("transformer.ln_f", "output_norm"),
            ("transformer.h.*.ln_1", "attn_norm"), ("transformer.h.*.ln_2", "ffn_norm"),
            ("transformer.h.*.attn.c_attn", "attn_qkv"), ("transformer.h.*.attn.c_proj", "attn_output"),
            ("transformer.h.*.mlp.c_fc", "ffn_up"), ("transformer.h.*.mlp.c_proj", "ffn_down"),
        ],
        "mpt": [
            ("transformer.wte", "token_embd"), ("transformer.norm_f", "output_norm"),
            ("transformer.blocks.*.norm_1", "attn_norm"), ("transformer.blocks.*.norm_2", "ffn_norm"),
            ("transformer.blocks.*.attn.Wqkv", "attn_qkv"), ("transformer.blocks.*.attn.out_proj", "attn_output"),
            ("transformer.blocks.*.ffn.up_proj", "ffn_up"), ("transformer.blocks.*.ffn.down_proj", "ffn_down"),
        ],
    ]
}
