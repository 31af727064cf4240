import Generation
import Testing

@testable import Tokenization

/// Families whose vectors come without a vocabulary file: it is rebuilt from the published ranks.
@Suite(.enabled(if: SharedFiles.exist))
struct TiktokenVectorTests {
    @Test(arguments: [("llama-bpe", "llama3/tokenizer.model"), ("qwen2", "qwen/qwen.tiktoken")])
    func everyStringHasTheExpectedIDs(pre: String, ranks: String) throws {
        let bytes = try SharedFiles.bytes("tokenizers/hf/\(ranks)")
        #expect(TiktokenRanks.areLikely(bytes))
        let tokenizer = try Tokenizer(tiktokenRanks: bytes, pre: pre, tokenizerConfig: nil, generationConfig: nil)
        let (texts, ids) = try SharedFiles.vectors("ggml-vocab-\(pre).gguf")
        #expect(texts.count == 47 && ids.count == 47)
        var failures: [String] = []
        for (text, wanted) in zip(texts, ids) {
            let found = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            if found != wanted { failures.append("\(text.debugDescription): \(found), expected \(wanted)") }
        }
        #expect(failures.isEmpty, "\(failures.count) of \(texts.count): \(failures.joined(separator: "\n"))")
    }

    @Test func aFamilyIsToldByTheNumberOfItsRanks() throws {
        let bytes = try SharedFiles.bytes("tokenizers/hf/llama3/tokenizer.model")
        let llama = try Tokenizer(tiktokenRanks: bytes, pre: nil, tokenizerConfig: nil, generationConfig: nil)
        #expect(llama.vocabularySize == 128_256 && llama.bosToken == 128_000)
        #expect(llama.specialToken(named: "<|eot_id|>") == 128_009 && llama.eosTokens.contains(128_009))
        #expect(llama.encode("a", addSpecial: true, parseSpecial: false).first == 128_000)
    }
}
