import Foundation
import JSON
import ModelFiles
import Tensors
import TestSupport
import Testing

private let models = TestFiles.shared.map { $0 + "/models" }

/// Trained models, where the folder of third-party files is at hand.
@Suite(.enabled(if: models.map(TestFiles.exists) ?? false, "no models under KEYHOLD_SHARED or ../shared"))
struct RealModelTests {
    private let path = (models ?? "") + "/stories260K/"

    private func gguf(_ type: String) throws -> GGUFFile { try GGUFFile(path: path + "stories260K-\(type).gguf") }

    /// Tensors that both formats store in the same order; query and key rows are permuted between them.
    private func sameNames(layers: Int) -> [(gguf: String, safetensors: String)] {
        var names = [("token_embd.weight", "model.embed_tokens.weight"), ("output_norm.weight", "model.norm.weight")]
        let layerNames = [
            ("attn_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm"), ("attn_v", "self_attn.v_proj"),
            ("attn_output", "self_attn.o_proj"), ("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj"),
            ("ffn_down", "mlp.down_proj"),
        ]
        for layer in 0..<layers {
            for (left, right) in layerNames {
                names.append(("blk.\(layer).\(left).weight", "model.layers.\(layer).\(right).weight"))
            }
        }
        return names.map { (gguf: $0.0, safetensors: $0.1) }
    }

    @Test func bothFormatsHoldTheSameWeights() throws {
        let file = try gguf("F32")
        guard case .huggingFace(let folder) = try ModelSource.open(path: path + "hf") else {
            Issue.record("hf is not a Hugging Face folder")
            return
        }
        let layers = try file.metadata.uint("llama.block_count")
        #expect(layers == folder.config["num_hidden_layers"]?.asInt)
        #expect(try file.metadata.float("llama.attention.layer_norm_rms_epsilon") - 1e-5 < 1e-10)
        for name in sameNames(layers: layers) {
            let left = try #require(file.tensors[name.gguf], "\(name.gguf)")
            let right = try folder.tensors.tensor(named: name.safetensors, shape: left.shape)
            #expect(left.copiedBytes == right.copiedBytes, "\(name.gguf)")
        }
        #expect(folder.tokenizerJSON?.count ?? 0 > 1_000)
        #expect(folder.generationConfig?["eos_token_id"] == [2, 1])
    }

    /// A quantised value is off by at most half a step of its block, plus the rounding of the scale to f16.
    @Test(arguments: [("Q8_0", Float(0.51 / 127 + 0.0005)), ("Q4_0", 0.135)])
    func quantisedFilesApproximateTheSameWeights(type: String, bound: Float) throws {
        let exact = try gguf("F32").tensors
        let file = try gguf(type)
        #expect(file.tensors.names == exact.names)
        var quantised = 0
        for info in file.tensors.infos {
            let left = try exact.tensor(named: info.name, shape: info.shape).referenceValues
            let right = try file.tensors.tensor(named: info.name).referenceValues
            if info.dtype == .f32 {
                #expect(left == right, "\(info.name)")
                continue
            }
            quantised += 1
            var worst: Float = 0
            for start in stride(from: 0, to: left.count, by: 32) {
                let largest = left[start..<start + 32].map(\.magnitude).max() ?? 0
                for index in start..<start + 32 {
                    worst = max(worst, (left[index] - right[index]).magnitude / max(largest, .leastNormalMagnitude))
                }
            }
            #expect(worst <= bound, "\(info.name) is off by \(worst) of a block's largest value")
        }
        #expect(quantised > 30)
    }

    @Test func vocabularyReadsAsBytes() throws {
        let metadata = try gguf("Q8_0").metadata
        let tokens = try metadata.strings("tokenizer.ggml.tokens")
        #expect(tokens.count == 512)
        #expect(try metadata.floats("tokenizer.ggml.scores").count == 512)
        #expect(try metadata.int32s("tokenizer.ggml.token_type").count == 512)
        #expect(tokens[1] == Array("<s>".utf8))
        #expect(try metadata.uint("tokenizer.ggml.eos_token_id") == 2)
    }

    @Test func everyModelOfTheFolderOpens() throws {
        let root = try #require(models)
        var opened = 0
        for name in try FileManager.default.subpathsOfDirectory(atPath: root).sorted()
        where name.hasSuffix(".gguf") || name.hasSuffix(".safetensors") {
            let tensors = try ModelSource.open(path: root + "/" + name).tensors
            #expect(tensors.infos.allSatisfy { $0.dtype != nil }, "\(name)")
            opened += 1
        }
        #expect(opened >= 10)
    }
}
