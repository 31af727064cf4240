import Foundation
import Generation
import Testing

@testable import Tokenization

/// Families whose vectors come without a vocabulary file: it is rebuilt from the published ranks.
@Suite(.enabled(if: SharedFiles.exist))
struct TiktokenVectorTests {
    @Test(arguments: [("llama-bpe", "llama3/tokenizer.model"), ("qwen2", "qwen/qwen.tiktoken")])
    func everyStringHasTheExpectedIDs(pre: String, ranks: String) throws {
        let tokenizer = try Tokenizer(try definition(pre: pre, ranks: ranks))
        let (texts, ids) = try SharedFiles.vectors("ggml-vocab-\(pre).gguf")
        #expect(texts.count == 47 && ids.count == 47)
        var failures: [String] = []
        for (text, wanted) in zip(texts, ids) {
            let found = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            if found != wanted { failures.append("\(text.debugDescription): \(found), expected \(wanted)") }
        }
        #expect(failures.isEmpty, "\(failures.count) of \(texts.count): \(failures.joined(separator: "\n"))")
    }

    /// In rank files a pair's rank is its joined token's, so the ranks are scores: lower merges first.
    private func definition(pre: String, ranks: String) throws -> TokenizerDefinition {
        let text = String(decoding: try SharedFiles.bytes("tokenizers/hf/\(ranks)"), as: UTF8.self)
        var tokens: [[UInt8]] = []
        var index: [[UInt8]: TokenID] = [:]
        for line in text.split(separator: "\n") {
            let bytes = try #require(line.split(separator: " ").first.flatMap { Data(base64Encoded: String($0)) })
            index[Array(bytes)] = TokenID(tokens.count)
            tokens.append(Array(bytes))
        }
        var vocabulary = Vocabulary(
            tokens: tokens.map { $0.flatMap { ByteAlphabet.text(of: $0) } },
            types: [TokenType](repeating: .normal, count: tokens.count))
        for (id, token) in tokens.enumerated() where token.count > 1 {
            for border in 1..<token.count {
                guard let left = index[Array(token[..<border])], let right = index[Array(token[border...])] else {
                    continue
                }
                vocabulary.merges.append(MergeRule(left: left, right: right, merged: TokenID(id)))
            }
        }
        var definition = TokenizerDefinition(vocabulary: vocabulary, symbols: .bytes, spelling: .byteLevel)
        definition.preTokenizer = try PreTokenizerPatterns.steps(named: pre)
        definition.ignoresMerges = pre == "llama-bpe"
        return definition
    }
}
