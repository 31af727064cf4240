import CompletionAPI
import Generation
import JSON
import TestSupport
import Testing
import Tokenization

@testable import ServerApp

/// Conversations of Mistral's own tests: the same text and the same token ids, by the published templates and by the
/// built-in formats.
@Suite struct MistralSampleTests {
    private static let root = "tokenizers/mistral"

    private struct Sample {
        let request: ChatRequest
        let text: String
        let tokens: [TokenID]
    }

    private func sample(_ name: String, _ version: String) throws -> Sample? {
        let folder = "\(Self.root)/samples/\(name)"
        guard let path = TestFiles.sharedFile(folder, for: "MistralSampleTests") else { return nil }
        func bytes(_ file: String) throws -> [UInt8] { try #require(TestFiles.bytes(of: "\(path)/\(file)")) }
        let tokens = try JSONValue(parsing: bytes("tokens_\(version).json"), limits: .file).asObject?["tokens"]?.asArray
        return Sample(
            request: try ChatRequest(body: bytes("sample.json")),
            text: String(decoding: try bytes("text_\(version).txt"), as: UTF8.self),
            tokens: (tokens ?? []).compactMap { $0.asInt.map(TokenID.init) })
    }

    /// The sample's text shows spaces and line breaks as the tokenizer's vocabulary does.
    private func shown(_ pieces: [ChatPiece]) -> String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text.replacing(" ", with: "▁").replacing("\n", with: "<0x0A>")
            case .special(let text): text
            case .bos: "<s>"
            case .eos: "</s>"
            case .modelPrefix: ""
            }
        }.joined()
    }

    private func check(_ name: String, _ version: String, _ vocabulary: String, _ format: String?) throws {
        guard let sample = try sample(name, version), let shared = TestFiles.shared else { return }
        let tokenizer = try TokenizerFiles(path: "\(shared)/tokenizers/\(vocabulary)").tokenizer
        var stored = try StoredTemplates(path: ModelLoaderTests.builtIn)
        stored.specialTokens = [("bos_token", "<s>"), ("eos_token", "</s>")]
        let asked = format ?? "\(shared)/\(Self.root)/templates/\(version)_spm.jinja"
        let pieces = try ChatFormat(asked: asked, stored: stored).pieces(sample.request, ControlTokenFinder(tokenizer))
        #expect(shown(pieces) == sample.text.replacing("\n", with: ""), "\(name) \(version) \(asked)")
        #expect(tokenizer.encode(pieces) == sample.tokens, "\(name) \(version) \(asked)")
    }

    @Test(arguments: [
        ("no_tools", "v1", "mistral/tokenizer.model.v1"),
        ("no_tools", "v3", "mistral/mistral_instruct_tokenizer_240323.model.v3"),
        ("no_tools", "v3", "hf/mistral-7b-v0.3"),
        ("parallel_calls", "v3", "mistral/mistral_instruct_tokenizer_240323.model.v3"),
        ("parallel_calls", "v3", "hf/mistral-7b-v0.3"),
    ])
    func publishedTemplatesGiveTheSamples(name: String, version: String, vocabulary: String) throws {
        try check(name, version, vocabulary, nil)
    }

    /// The template writes a tool's result as text where the sample has the value that its JSON stands for, so that one
    /// sample is for the built-in format alone.
    @Test(arguments: [
        ("no_tools", "v1", "mistral/tokenizer.model.v1", "mistral-v1"),
        ("no_tools", "v3", "mistral/mistral_instruct_tokenizer_240323.model.v3", "mistral"),
        ("parallel_calls", "v3", "mistral/mistral_instruct_tokenizer_240323.model.v3", "mistral"),
        ("get_weather_full", "v3", "mistral/mistral_instruct_tokenizer_240323.model.v3", "mistral"),
        ("get_weather_full", "v3", "hf/mistral-7b-v0.3", "mistral"),
    ])
    func builtInFormatsGiveTheSamples(name: String, version: String, vocabulary: String, format: String) throws {
        try check(name, version, vocabulary, format)
    }
}
