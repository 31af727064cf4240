import Decoding
import ModelFiles
import TestSupport
import Testing

/// Configurations that do not fit the weights beside them.
@Suite struct DecoderModelTests {
    /// A copy of a golden model whose config.json has `from` replaced by `to`.
    private func load(_ architecture: String, _ from: String, _ to: String) throws -> DecoderModel {
        let source = "\(GoldenCase.folder)/\(architecture)"
        let config = String(decoding: try #require(TestFiles.bytes(of: "\(source)/config.json")), as: UTF8.self)
        try #require(config.contains(from))
        let folder = try TemporaryFolder()
        _ = try folder.write(config.replacing(from, with: to), to: "config.json")
        _ = try folder.write(
            try #require(TestFiles.bytes(of: "\(source)/model.safetensors")), to: "model.safetensors")
        return try DecoderModel.load(.huggingFace(SafetensorsFolder(folder: folder.path)))
    }

    @Test(arguments: [
        ("llama", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2", "number of layers"),
        ("llama", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", "model.layers.3"),
        ("llama", "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", "KV heads"),
        ("llama", "\"hidden_act\": \"silu\"", "\"hidden_act\": \"relu\"", "hidden_act"),
        ("llama", "\"model_type\": \"llama\"", "\"model_type\": \"lama\"", "known are RefinedWeb"),
        ("gptj", "\"rotary_dim\": 8", "\"rotary_dim\": 7", "rotary dimension"),
        ("gpt2", "\"n_layer\": 3", "\"n_layer\": 1", "number of layers"),
        ("mpt", "\"alibi\": true", "\"alibi\": false", "attn_config.alibi"),
        ("mpt", "\"qk_ln\": false", "\"qk_ln\": true", "attn_config.qk_ln"),
    ])
    func aConfigurationThatDoesNotFitIsRefusedByName(architecture: String, from: String, to: String, words: String) {
        let error = #expect(throws: (any Error).self) { try load(architecture, from, to) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(String(describing: error))")
    }
}
