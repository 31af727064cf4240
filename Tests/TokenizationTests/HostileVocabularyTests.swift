import Generation
import JSON
import Testing

@testable import Tokenization

/// Vocabularies that a broken or malicious file may hold: an error that says what is wrong, never a crash.
@Suite struct HostileVocabularyTests {
    private func error(_ fields: GGUFVocabulary) -> TokenizerError? {
        do throws(TokenizerError) {
            _ = try Tokenizer(fields)
            return nil
        } catch {
            return error
        }
    }

    private func error(_ change: (inout TokenizerFile) -> Void) -> TokenizerError? {
        var file = TokenizerFile()
        change(&file)
        do throws(TokenizerError) {
            _ = try file.tokenizer()
            return nil
        } catch {
            return error
        }
    }

    @Test func sentencePieceFieldsAreChecked() {
        let good = TinyVocabularies.sentencePiece(TinyVocabularies.hello)
        let size = good.tokens.count
        func changed(_ change: (inout GGUFVocabulary) -> Void) -> TokenizerError? {
            var fields = good
            change(&fields)
            return error(fields)
        }
        #expect(error(good) == nil)
        #expect(changed { $0.tokens = [] } == .emptyVocabulary)
        #expect(
            changed { $0.model = "rwkv" }
                == .unsupported(
                    field: "tokenizer.ggml.model", value: "rwkv", known: ["llama", "t5", "gpt2", "gemma4", "bert"]))
        #expect(
            changed { $0.types?.removeLast() }
                == .countMismatch(field: "tokenizer.ggml.token_type", count: size - 1, tokens: size))
        #expect(changed { $0.scores?.removeLast() } == .countMismatch(field: "scores", count: size - 1, tokens: size))
        #expect(changed { $0.scores = nil } == .badField(field: "tokenizer.ggml.scores", reason: "missing"))
        #expect(changed { $0.scores?[5] = .nan } == .badScore(id: 5))
        #expect(changed { $0.scores?[5] = .infinity } == nil)
        #expect(changed { $0.tokens[size - 1] = [] } == .emptyToken(id: size - 1))
        #expect(changed { $0.tokens[size - 1] = $0.tokens[size - 2] } == .duplicateToken(id: size - 1, other: size - 2))
        for id in [-1, size, Int.max, Int.min] {
            #expect(
                changed { $0.bosToken = id }
                    == .tokenOutOfRange(field: "tokenizer.ggml.bos_token_id", id: id, vocabularySize: size))
            #expect(changed { $0.endTokens = [id] } != nil && changed { $0.unknownToken = id } != nil)
        }
        #expect(changed { $0.tokens[size - 1] = [UInt8](repeating: 97, count: 5000) } != nil)
        #expect(changed { $0.tokens[size - 1] = [0xFF, 0xFE] } == nil)
        #expect(changed { $0.types?[size - 1] = 77 } == nil)
    }

    @Test func aVocabularyThatCannotSpellSomeTextIsRefused() {
        var fields = TinyVocabularies.sentencePiece(TinyVocabularies.hello, hasByteTokens: false)
        fields.unknownToken = nil
        fields.types?[0] = 3
        #expect(error(fields) == .missingByte(0))
        fields = TinyVocabularies.sentencePiece(TinyVocabularies.hello)
        fields.unknownToken = nil
        fields.types?[0] = 3
        #expect(error(fields) == nil)
        fields.tokens[3 + 0x7F] = Array("gone".utf8)
        #expect(error(fields) == .missingByte(0x7F))
        var bytes = TinyVocabularies.byteLevel([])
        bytes.tokens[2 + 0x41] = Array("gone".utf8)
        #expect(error(bytes) == .missingByte(0x41))
    }

    @Test func mergesAreChecked() {
        func changed(_ merges: [String]?) -> TokenizerError? {
            var fields = TinyVocabularies.byteLevel(TinyVocabularies.the)
            fields.merges = merges?.map { Array($0.utf8) }
            return error(fields)
        }
        #expect(changed(nil) == .badField(field: "tokenizer.ggml.merges", reason: "missing"))
        #expect(changed(["ab"]) == .badMerge(index: 0, reason: "is not two texts with a space between"))
        #expect(changed([""]) != nil && changed([" "]) != nil && changed(["  "]) != nil)
        #expect(changed(["h e", "nope e"]) == .badMerge(index: 1, reason: "\"nope\" is not a token"))
        #expect(changed(["x y"]) == .badMerge(index: 0, reason: "\"xy\" is not a token"))
        #expect(changed(["h e", "h e"]) == nil)
    }

    @Test func tokenizerJSONIsChecked() {
        for (change, wanted) in [
            ({ $0.vocab = "{}" }, "is not a token"), ({ $0.vocab = "[]" }, "model.vocab: must be an object"),
            ({ $0.vocab = #"{"a": -1}"# }, "-1"), ({ $0.vocab = #"{"a": 2147483647}"# }, "2147483647"),
            ({ $0.vocab = #"{"a": 9223372036854775807}"# }, "9223372036854775807"),
            ({ $0.vocab = #"{"a": "0"}"# }, "must be an integer"), ({ $0.vocab = #"{"a": 0, "b": 0}"# }, "same text"),
            ({ $0.vocab = #"{"": 0}"# }, "no text"),
            ({ $0.merges = #"["a c"]"# }, "\"c\" is not a token"), ({ $0.merges = #"["a"]"# }, "merge 0"),
            ({ $0.merges = #"["a b c"]"# }, "merge 0"), ({ $0.merges = #"[["a"]]"# }, "merge 0"),
            ({ $0.merges = "[1]" }, "model.merges[0]"), ({ $0.merges = "7" }, "model.merges"),
            ({ $0.model = #""unk_token": "nope""# }, "unk_token"), ({ $0.model = #""byte_fallback": false"# }, "0x00"),
            ({ $0.model = #""byte_fallback": 1"# }, "true or false"),
            ({ $0.added = #"{"id": 4, "content": "z"}"# }, "two different texts"),
            ({ $0.added = #"{"id": 40, "content": "a"}"# }, "same text"),
            ({ $0.added = #"{"id": 40, "content": ""}"# }, "no text"),
            ({ $0.added = #"{"id": -4, "content": "z"}"# }, "-4"),
            ({ $0.added = #"{"id": 999999, "content": "z"}"# }, "999999"), ({ $0.added = "3" }, "added_tokens[0]"),
            ({ $0.normalizer = "3" }, "normalizer"), ({ $0.normalizer = "{}" }, "normalizer.type"),
            ({ $0.preTokenizer = #"{"type": "Split", "pattern": {"Regex": "(("}, "behavior": "Isolated"}"# }, "(("),
            (
                { $0.preTokenizer = #"{"type": "Split", "pattern": {"Regex": "\\C"}, "behavior": "Isolated"}"# },
                "pattern"
            ),
            ({ $0.preTokenizer = #"{"type": "Metaspace", "replacement": ""}"# }, "replacement"),
            ({ $0.postProcessor = Self.template(ids: nil) }, "special_tokens.Q"),
            ({ $0.postProcessor = Self.template(ids: "[99]") }, "99"),
        ] as [((inout TokenizerFile) -> Void, String)] {
            let found = error(change)?.description ?? "no error"
            #expect(found.contains(wanted), "\(found), expected \(wanted)")
        }
    }

    /// A post-processor with one special token.
    private static func template(ids: String?) -> String {
        let tokens = ids.map { #"{"Q": {"ids": \#($0)}}"# } ?? "{}"
        return #"""
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "Q"}}], "special_tokens": \#(tokens)}
            """#
    }

    @Test func whatIsNotATokenizerFileIsRefused() {
        for text in ["", "{", "[]", "null", "3", "{}", #"{"model": 3}"#, #"{"model": {"type": "Unigram"}}"#] {
            #expect(throws: TokenizerError.self) {
                try Tokenizer(tokenizerJSON: Array(text.utf8), tokenizerConfig: nil, generationConfig: nil)
            }
        }
    }

    @Test func configsAreChecked() {
        for (config, generation) in [
            (["bos_token": "nope"], nil), (["bos_token": 3], nil), (["eos_token": ["content": "nope"]], nil),
            (["add_bos_token": true], nil), (["add_eos_token": true], nil), (["add_bos_token": "yes"], nil),
            (nil, ["eos_token_id": 12]), (nil, ["eos_token_id": -1]), (nil, ["eos_token_id": [1, 99]]),
            (nil, ["eos_token_id": "2"]), (nil, ["bos_token_id": 1e9]),
        ] as [(JSONValue?, JSONValue?)] {
            #expect(throws: TokenizerError.self) {
                try TokenizerFile().tokenizer(config: config?.asObject, generation: generation?.asObject)
            }
        }
    }

    @Test func everyErrorSaysSomething() {
        let errors: [TokenizerError] = [
            .emptyVocabulary, .countMismatch(field: "f", count: 1, tokens: 2),
            .tokenOutOfRange(field: "f", id: 3, vocabularySize: 2), .emptyToken(id: 1),
            .duplicateToken(id: 1, other: 0),
            .badScore(id: 1), .badMerge(index: 1, reason: "r"), .missingByte(10),
            .unsupported(field: "f", value: "v", known: ["k"]), .badField(field: "f", reason: "r"), .badJSON("r"),
            .badPattern(pattern: "p", offset: 1, reason: "r"),
        ]
        #expect(Set(errors.map(\.description)).count == errors.count)
        #expect(TokenizerError.missingByte(10).description.contains("0x0A"))
    }
}
