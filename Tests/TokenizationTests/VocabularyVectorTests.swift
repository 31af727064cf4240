import Foundation
import JSON
import Testing

@testable import Tokenization

/// The 47 strings of llama.cpp's vocabulary tests.
@Suite(.enabled(if: SharedFiles.exist))
struct VocabularyVectorTests {
    @Test(arguments: ["llama-spm", "gpt-2", "mpt", "starcoder", "falcon"])
    func everyStringHasTheExpectedIDs(name: String) throws {
        let file = "ggml-vocab-\(name).gguf"
        let tokenizer = try Tokenizer(ggufAt: SharedFiles.path("tokenizers/vocab/\(file)"))
        try expectVectors(file, tokenizer)
    }

    @Test(arguments: [("gpt2", "gpt-2"), ("llama2-hf", "llama-spm")])
    func tokenizerJSONAgreesWithGGUF(folder: String, vectors: String) throws {
        let tokenizer = try Tokenizer(huggingFaceAt: "tokenizers/hf/\(folder)")
        try expectVectors("ggml-vocab-\(vectors).gguf", tokenizer)
    }

    private func expectVectors(_ file: String, _ tokenizer: Tokenizer) throws {
        let (texts, ids) = try SharedFiles.vectors(file)
        #expect(texts.count == 47 && ids.count >= 47)
        var failures: [String] = []
        for (text, wanted) in zip(texts, ids) {
            let found = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            if found != wanted { failures.append("\(text.debugDescription): \(found), expected \(wanted)") }
        }
        #expect(failures.isEmpty, "\(failures.count) of \(texts.count): \(failures.joined(separator: "\n"))")
    }
}

extension Tokenizer {
    /// The tokenizer of a Hugging Face folder below the shared files.
    convenience init(huggingFaceAt folder: String) throws {
        func object(_ name: String) throws -> JSONObject? {
            guard let bytes = try? SharedFiles.bytes("\(folder)/\(name)") else { return nil }
            return try JSONValue(parsing: bytes, limits: .file).asObject
        }
        try self.init(
            tokenizerJSON: try SharedFiles.bytes("\(folder)/tokenizer.json"),
            tokenizerConfig: try object("tokenizer_config.json"),
            generationConfig: try object("generation_config.json"))
    }
}
