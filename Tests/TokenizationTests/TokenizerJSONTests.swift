import Generation
import JSON
import Testing

@testable import Tokenization

/// A small tokenizer.json whose parts a test replaces.
struct TokenizerFile {
    var vocab = #"""
        {"<unk>": 0, "<s>": 1, "</s>": 2, "▁": 3, "a": 4, "b": 5, "ab": 6, "▁ab": 7, "1": 8, "2": 9, "é": 10, "x": 11}
        """#
    var merges = #"["a b", "▁ ab"]"#
    var model = #""unk_token": "<unk>", "fuse_unk": true"#
    var added = #"{"id": 1, "content": "<s>", "special": true, "normalized": false}"#
    var normalizer = "null"
    var preTokenizer = "null"
    var postProcessor = "null"
    var decoder = "null"

    var bytes: [UInt8] {
        Array(
            """
            {"version": "1.0", "added_tokens": [\(added)], "normalizer": \(normalizer),
             "pre_tokenizer": \(preTokenizer), "post_processor": \(postProcessor), "decoder": \(decoder),
             "model": {"type": "BPE", \(model), "vocab": \(vocab), "merges": \(merges)}}
            """.utf8)
    }

    func tokenizer(config: JSONObject? = nil, generation: JSONObject? = nil) throws(TokenizerError) -> Tokenizer {
        try Tokenizer(tokenizerJSON: bytes, tokenizerConfig: config, generationConfig: generation)
    }
}

@Suite struct TokenizerJSONTests {
    @Test func mergesAreTextsOrPairs() throws {
        var file = TokenizerFile()
        #expect(try file.tokenizer().pieces("▁ab") == ["▁ab"])
        file.merges = #"[["a", "b"], ["▁", "ab"]]"#
        #expect(try file.tokenizer().pieces("▁ab") == ["▁ab"])
    }

    @Test func normalizersRewriteEachStretch() throws {
        var file = TokenizerFile()
        file.normalizer = #"""
            {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
             {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
            """#
        let tokenizer = try file.tokenizer()
        #expect(tokenizer.pieces("ab ab<s>ab", parseSpecial: true) == ["▁ab", "▁ab", "<s>", "▁ab"])
        #expect(tokenizer.pieces("") == [])
    }

    @Test(arguments: [
        ("e\u{301}", "\u{E9}"), ("\u{212B}", "\u{C5}"), ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}"),
        ("a\u{E9}", "a\u{E9}"),
        ("q\u{307}\u{323}", "q\u{323}\u{307}"), ("\u{958}", "\u{915}\u{93C}"), ("", ""), ("\u{FB01}", "\u{FB01}"),
    ])
    func formCComposesCharacters(text: String, composed: String) {
        #expect([NormalizerStep.form(.composed)].normalize(Array(text.utf8)) == Array(composed.utf8))
    }

    @Test func metaspacePrefixesTheTextsStartOnly() throws {
        var file = TokenizerFile()
        file.preTokenizer = #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}"#
        file.decoder = #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}"#
        let tokenizer = try file.tokenizer()
        #expect(tokenizer.pieces("ab<s>ab ab", parseSpecial: true) == ["▁ab", "<s>", "ab", "▁ab"])
        #expect(tokenizer.pieces(" ab") == ["▁ab"])
        #expect(tokenizer.decode([7, 7], skipSpecial: true, stripsLeadingSpace: true) == "ab ab")
        file.preTokenizer = #"{"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}"#
        #expect(try file.tokenizer().pieces("ab<s>ab", parseSpecial: true) == ["▁ab", "<s>", "▁ab"])
    }

    @Test(arguments: [
        ("Isolated", ["a", "12", "b"]), ("Removed", ["a", "b"]), ("MergedWithPrevious", ["a1", "2", "b"]),
        ("MergedWithNext", ["a", "1", "2b"]), ("Contiguous", ["a", "12", "b"]),
    ])
    func splitsTreatSeparatorsAsTheyAreTold(behavior: String, parts: [String]) throws {
        for pattern in [#"{"Regex": "[0-9]"}"#, #"{"Regex": "1|2"}"#] {
            let text = #"{"type": "Split", "pattern": \#(pattern), "behavior": "\#(behavior)", "invert": false}"#
            let field = JSONField(path: "", value: try JSONValue(parsing: Array(text.utf8), limits: .file))
            var pieces = TextPieces(Array("a12b".utf8))
            for step in try TokenizerJSONPipeline.preTokenizer(field).steps {
                step.apply(to: &pieces, isTextStart: true)
            }
            let found = pieces.ranges.map { String(decoding: pieces.text[$0], as: UTF8.self) }
            #expect(found == (behavior == "Isolated" ? ["a", "1", "2", "b"] : parts))
        }
    }

    @Test func digitsAreSplitOneByOneOrTogether() throws {
        var file = TokenizerFile()
        file.vocab = #"{"<unk>": 0, "<s>": 1, "1": 2, "2": 3, "12": 4, "a": 5, "2a": 6}"#
        file.merges = #"["2 a", "1 2"]"#
        #expect(try file.tokenizer().pieces("12a") == ["1", "2a"])
        file.preTokenizer = #"{"type": "Digits", "individual_digits": false}"#
        #expect(try file.tokenizer().pieces("12a") == ["12", "a"])
        file.preTokenizer = #"{"type": "Digits", "individual_digits": true}"#
        #expect(try file.tokenizer().pieces("12a") == ["1", "2", "a"])
    }

    @Test func unknownCharactersAreFusedAsTheFileSays() throws {
        var file = TokenizerFile()
        #expect(try file.tokenizer().pieces("aüüb") == ["a", "<unk>", "b"])
        file.model = #""unk_token": "<unk>", "fuse_unk": false"#
        #expect(try file.tokenizer().pieces("aüüb") == ["a", "<unk>", "<unk>", "b"])
    }

    @Test func addedTokensSwallowSpacesAndMindWords() throws {
        var file = TokenizerFile()
        func pieces(_ flags: String, _ text: String) throws -> [String] {
            file.added = #"{"id": 11, "content": "x", "special": false, "normalized": false, \#(flags)}"#
            return try file.tokenizer().pieces(text)
        }
        #expect(try pieces(#""lstrip": true"#, "a  x b") == ["a", "x", "<unk>", "b"])
        #expect(try pieces(#""rstrip": true"#, "a x  b") == ["a", "<unk>", "x", "b"])
        #expect(
            try pieces(#""single_word": true"#, "x ax é x_ x") == [
                "x", "<unk>", "a", "x", "<unk>", "é", "<unk>", "x", "<unk>", "x",
            ])
        // Decomposed é ends in a mark that belongs to the word.
        #expect(try pieces(#""single_word": true"#, "e\u{301}xa").contains("x"))
    }

    @Test func normalizedAddedTokensAreMatchedInNormalizedText() throws {
        var file = TokenizerFile()
        file.normalizer = #"{"type": "Replace", "pattern": {"String": "y"}, "content": "x"}"#
        file.added = #"{"id": 11, "content": "x", "special": true, "normalized": true}"#
        #expect(try file.tokenizer().encode("ay", addSpecial: false, parseSpecial: true) == [4, 11])
        #expect(try file.tokenizer().encode("ay", addSpecial: false, parseSpecial: false) == [4, 0])
    }

    @Test func templateGivesTokensBeforeAndAfter() throws {
        var file = TokenizerFile()
        file.postProcessor = #"""
            {"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing",
             "single": [{"SpecialToken": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
              {"SpecialToken": {"id": "E", "type_id": 0}}], "pair": [],
             "special_tokens": {"B": {"id": "B", "ids": [1, 3], "tokens": []},
              "E": {"id": "E", "ids": [2], "tokens": []}}}]}
            """#
        #expect(try file.tokenizer().encode("a", addSpecial: true, parseSpecial: false) == [1, 3, 4, 2])
    }

    @Test func configFlagsDecideWithoutATemplate() throws {
        let config: JSONValue = [
            "add_bos_token": true, "add_eos_token": true, "bos_token": "<s>", "eos_token": ["content": "</s>"],
        ]
        let tokenizer = try TokenizerFile().tokenizer(config: config.asObject)
        #expect(tokenizer.encode("a", addSpecial: true, parseSpecial: false) == [1, 4, 2])
        #expect(tokenizer.bosToken == 1 && tokenizer.eosTokens == [2])
        #expect(tokenizer.vocabulary.addBOS && tokenizer.vocabulary.addEOS)
    }

    @Test func generationConfigAddsEndTokens() throws {
        let one: JSONValue = ["eos_token_id": 2, "bos_token_id": 1]
        let many: JSONValue = ["eos_token_id": [2, 1]]
        #expect(try TokenizerFile().tokenizer(generation: one.asObject).eosTokens == [2])
        #expect(try TokenizerFile().tokenizer(generation: one.asObject).bosToken == 1)
        #expect(try TokenizerFile().tokenizer(generation: many.asObject).eosTokens == [1, 2])
    }

    @Test func idsWithoutATokenAreUnused() throws {
        var file = TokenizerFile()
        file.added = #"{"id": 20, "content": "<end>", "special": true, "normalized": false}"#
        let tokenizer = try file.tokenizer()
        #expect(tokenizer.vocabularySize == 21 && tokenizer.bytes(of: 15) == [] && tokenizer.isSpecial(20))
        #expect(tokenizer.encode("a<end>", addSpecial: false, parseSpecial: true) == [4, 20])
    }

    @Test func unknownPartsAreRefusedByName() throws {
        for (keyPath, text, name) in [
            (\TokenizerFile.normalizer, #"{"type": "NFX"}"#, "NFX"),
            (\.normalizer, #"{"type": "Sequence", "normalizers": [{"type": "Nmt"}]}"#, "Nmt"),
            (\.normalizer, #"{"type": "Replace", "pattern": {"Regex": "[a&&b]"}, "content": ""}"#, "&&"),
            (\.normalizer, #"{"type": "Precompiled", "precompiled_charsmap": "?"}"#, "precompiled_charsmap"),
            (\.normalizer, #"{"type": "Precompiled", "precompiled_charsmap": "AAAA"}"#, "too few"),
            (\.preTokenizer, #"{"type": "UnicodeScripts"}"#, "UnicodeScripts"),
            (
                \.preTokenizer,
                #"{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "ByteLevel"}]}"#,
                "second ByteLevel"
            ),
            (\.preTokenizer, #"{"type": "Split", "pattern": {"String": "a"}, "behavior": "Odd"}"#, "Odd"),
            (\.postProcessor, #"{"type": "BertProcessing", "cls": ["<s>"]}"#, "post_processor.cls"),
            (\.postProcessor, #"{"type": "Odd"}"#, "Odd"),
            (\.decoder, #"{"type": "CTC"}"#, "CTC"),
            (\.decoder, #"{"type": "Strip", "content": " ", "start": 1, "stop": 0}"#, "Strip"),
            (\.model, #""continuing_subword_prefix": "@@""#, "continuing_subword_prefix"),
            (\.model, #""dropout": 0.1"#, "dropout"),
        ] as [(WritableKeyPath<TokenizerFile, String>, String, String)] {
            var file = TokenizerFile()
            file[keyPath: keyPath] = text
            do {
                _ = try file.tokenizer()
                Issue.record("\(text) was accepted")
            } catch {
                #expect(error.description.contains(name), "\(error)")
            }
        }
    }

    @Test func ownModelsTokenizerIsByteLevel() throws {
        let tokenizer = try Fixtures.recall()
        #expect(tokenizer.vocabularySize == 1280 && tokenizer.bosToken == 0 && tokenizer.eosTokens == [1])
        let text = "The code of Ann is 48213.\nÜñí 日本 🚀"
        let ids = tokenizer.encode(text, addSpecial: true, parseSpecial: false)
        #expect(ids.first == 0 && tokenizer.decode(ids, skipSpecial: true) == text)
    }
}
