import Foundation
import TestSupport
import Testing

/// `keyhold tokenize` and `keyhold detokenize`.
@Suite struct TokenizeCommandTests {
    private static let fixtures = TestFiles.packageRoot + "/Tests/TokenizationTests/Fixtures"

    @Test func theBuiltInModelsTokensComeBackAsText() throws {
        let text = "The code of Ann is 48213.\n"
        let ids = try Command.run(["tokenize"], input: text)
        #expect(ids.status == 0 && ids.text.hasSuffix("\n"))
        #expect(ids.text.split(whereSeparator: \.isWhitespace).allSatisfy { Int($0) != nil })
        #expect(try Command.run(["detokenize"], input: ids.text).text == text)
        let begun = try Command.run(["tokenize", "--bos"], input: text)
        #expect(begun.text.hasSuffix(" " + ids.text) && begun.text != ids.text)
    }

    @Test(arguments: ["recall1M", "parity/unigram.model", "parity/wordpiece.json"])
    func foldersAndBareFilesOfTokenizersWork(name: String) throws {
        let outcome = try Command.run(["tokenize", "--model", "\(Self.fixtures)/\(name)"], input: "hello world")
        #expect(outcome.status == 0 && outcome.errorText == "" && outcome.text.count > 2)
    }

    @Test(arguments: ["recall1M", "parity/unigram.model"])
    func inspectTellsATokenizerWithoutWeights(name: String) throws {
        let outcome = try Command.run(["inspect", "\(Self.fixtures)/\(name)"])
        #expect(outcome.status == 0 && outcome.errorText == "", "\(outcome.errorText)")
        for word in ["vocabulary", "special tokens", "weights         none"] {
            #expect(outcome.text.contains(word), "\(outcome.text)")
        }
        #expect(try Command.run(["inspect", "--json", "\(Self.fixtures)/\(name)"]).text.contains("vocabulary_tokens"))
    }

    @Test func inspectTellsAVocabularyWithoutTensors() throws {
        let folder = try TemporaryFolder()
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("llama"))
        writer.add("tokenizer.ggml.model", .string("llama"))
        writer.add("tokenizer.ggml.tokens", .array(of: .string(""), ["<unk>", "a", "b"].map { .string($0) }))
        writer.add("tokenizer.ggml.scores", .array(of: .float32(0), [.float32(0), .float32(-1), .float32(-2)]))
        writer.add("tokenizer.ggml.token_type", .array(of: .int32(0), [.int32(2), .int32(1), .int32(1)]))
        let outcome = try Command.run(["inspect", folder.write(writer.bytes(), to: "vocabulary.gguf")])
        #expect(outcome.status == 0 && outcome.text.contains("3 tokens, merge scores"), "\(outcome.errorText)")
    }

    @Test func controlTokensAreParsedOnRequest() throws {
        let model = ["--model", "\(Self.fixtures)/parity/wordpiece.json"]
        #expect(try Command.run(["tokenize", "--parse-special"] + model, input: "[CLS]").text == "2\n")
        #expect(try Command.run(["tokenize"] + model, input: "[CLS]").text.split(separator: " ").count > 1)
        #expect(try Command.run(["detokenize", "--skip-special"] + model, input: "2").text == "")
    }

    @Test func manyLinesGoThroughOneProcess() throws {
        let lines = try Command.run(["tokenize", "--lines-json"], input: "\"a\\nb\"\n\"\"\n\"a\"\n")
        let parts = lines.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(parts.count == 4 && parts[1] == "" && parts[3] == "")
        let texts = try Command.run(["detokenize", "--lines-json"], input: lines.text)
        #expect(texts.text == "\"a\\nb\"\n\"\"\n\"a\"\n")
    }

    @Test(arguments: [
        (["tokenize", "--model", "/nonexistent"], "", "/nonexistent"), (["tokenize", "--lines-json"], "a", "line 1"),
        (["tokenize", "--lines-json"], "1\n", "a JSON string"), (["detokenize"], "1 x", "'x' is not a token id"),
        (["detokenize"], "999999", "from 0 to 2047"), (["tokenize", "--model", "/dev/null"], "", "no tokens"),
    ])
    func whatIsWrongIsSaid(arguments: [String], input: String, words: String) throws {
        let outcome = try Command.run(arguments, input: input)
        #expect(outcome.status != 0 && outcome.errorText.contains(words), "\(outcome.errorText)")
    }
}
