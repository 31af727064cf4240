import Foundation
import Generation
import JSON
import TestSupport
import Testing

@testable import Tokenization

/// Mutated files: any result but a crash, and a tokenizer that loads must work.
@Suite struct TokenizerFuzzTests {
    private static let seeds: [[UInt8]] = {
        var spaced = TokenizerFile()
        spaced.normalizer = #"""
            {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
             {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
            """#
        spaced.decoder = #"""
            {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
             {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
            """#
        spaced.postProcessor = #"""
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
             "special_tokens": {"<s>": {"ids": [1]}}}
            """#
        var split = TokenizerFile()
        split.preTokenizer = #"""
            {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
             {"type": "Split", "pattern": {"Regex": "[^\\r\\n\\p{L}]?\\p{L}+|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated",
              "invert": false}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}]}
            """#
        split.decoder = #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}"#
        split.added = #"""
            {"id": 11, "content": "x", "single_word": true, "lstrip": true, "rstrip": true, "normalized": true,
             "special": false}
            """#
        return [spaced.bytes, split.bytes]
    }()

    @Test func mutatedTokenizerFilesNeverCrash() {
        var generator = SeededGenerator(seed: 2024)
        let budget = FuzzBudget(seconds: 1.5)
        var loaded = 0
        var round = 0
        while budget.isLeft || loaded == 0 {
            round += 1
            let bytes = Self.mutated(Self.seeds[round % Self.seeds.count], &generator)
            guard let tokenizer = try? Tokenizer(tokenizerJSON: bytes, tokenizerConfig: nil, generationConfig: nil)
            else { continue }
            loaded += 1
            if let failure = Self.failure(of: tokenizer) {
                Issue.record("round \(round): \(failure)\n\(String(decoding: bytes, as: UTF8.self))")
                return
            }
        }
        budget.report("tokenizer.json: \(round) files, \(loaded) loaded,")
    }

    /// The larger files with every kind of model, normalizer and pre-tokenizer.
    @Test(arguments: ["wordpiece.json", "unigram-precompiled.json", "stripped.json"])
    func mutatedParitySamplesNeverCrash(file: String) throws {
        let seed = try Fixtures.bytes("parity/\(file)")
        try Self.explore(file, seed, from: 7, Self.mutated) { bytes in
            try Tokenizer(tokenizerJSON: bytes, tokenizerConfig: nil, generationConfig: nil)
        }
    }

    @Test(arguments: ["unigram.model", "unigram-bytes.model", "merges.model"])
    func mutatedSentencePieceFilesNeverCrash(file: String) throws {
        let seed = try Fixtures.bytes("parity/\(file)")
        try Self.explore(file, seed, from: 8, Self.mutatedBinary) { bytes in
            try Tokenizer(sentencePieceModel: bytes, tokenizerConfig: nil, generationConfig: nil)
        }
    }

    @Test func mutatedRankFilesNeverCrash() throws {
        let lines = (0..<256).map { byte in "\(Data([UInt8(byte)]).base64EncodedString()) \(byte)\n" }
        let seed = Array((lines.joined() + "YWE= 256\nYWFh 257\n").utf8)
        try Self.explore("ranks", seed, from: 9, Self.mutated) { bytes in
            try Tokenizer(tiktokenRanks: bytes, pre: "llama-bpe", tokenizerConfig: nil, generationConfig: nil)
        }
    }

    /// Mutates until the time is over and at least one file loaded; reports the first tokenizer that breaks a promise.
    private static func explore(
        _ name: String, _ original: [UInt8], from number: UInt64, _ mutate: ([UInt8], inout SeededGenerator) -> [UInt8],
        load: ([UInt8]) throws -> Tokenizer
    ) throws {
        var generator = SeededGenerator(seed: number)
        let budget = FuzzBudget(seconds: 1.5)
        var loaded = 0
        var round = 0
        while budget.isLeft || (loaded == 0 && round < 1000) {
            round += 1
            let bytes = mutate(original, &generator)
            guard let tokenizer = try? load(bytes) else { continue }
            loaded += 1
            if let failure = failure(of: tokenizer) {
                Issue.record("round \(round): \(failure)")
                return
            }
        }
        budget.report("\(name): \(round) files, \(loaded) loaded,")
        #expect(loaded > 0)
    }

    private static func mutatedBinary(_ seed: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            // The settings stand at the end: half of the changes go there.
            let lower = Bool.random(using: &generator) ? 0 : max(0, bytes.count - 600)
            guard lower < bytes.count else { break }
            let place = Int.random(in: lower..<bytes.count, using: &generator)
            switch Int.random(in: 0...4, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert([0x00, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0, at: place)
            default: bytes.removeLast(Int.random(in: 0...min(40, bytes.count), using: &generator))
            }
        }
        return bytes
    }

    @Test func mutatedGGUFFieldsNeverCrash() {
        let kinds = [
            TinyVocabularies.sentencePiece(TinyVocabularies.hello), TinyVocabularies.byteLevel(TinyVocabularies.the),
            TinyVocabularies.wordPiece(), TinyVocabularies.lines(),
        ]
        var generator = SeededGenerator(seed: 99)
        let budget = FuzzBudget(seconds: 1.5)
        var loaded = 0
        var round = 0
        while budget.isLeft || loaded == 0 {
            round += 1
            var fields = kinds.randomElement(using: &generator) ?? kinds[0]
            for _ in 0..<Int.random(in: 1...3, using: &generator) { Self.mutate(&fields, &generator) }
            guard let tokenizer = try? Tokenizer(fields) else { continue }
            loaded += 1
            if let failure = Self.failure(of: tokenizer) {
                Issue.record("\(failure): \(fields)")
                return
            }
        }
        budget.report("GGUF vocabularies: \(round), \(loaded) loaded,")
    }

    /// What must hold for any tokenizer that was accepted.
    private static func failure(of tokenizer: Tokenizer) -> String? {
        for text in ["", " ab 12x é<s>", "hello the\n日本🚀\u{0}"] {
            for parseSpecial in [false, true] {
                let tokens = tokenizer.encode(text, addSpecial: true, parseSpecial: parseSpecial)
                if tokens.contains(where: { $0 < 0 || Int($0) >= tokenizer.vocabularySize }) {
                    return "id out of range"
                }
                _ = tokenizer.decode(tokens, skipSpecial: false, stripsLeadingSpace: true)
            }
            let plain = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            if plain.contains(where: { tokenizer.vocabulary.types[Int($0)] == .control }) {
                return "\(plain) has a control token"
            }
        }
        return nil
    }

    private static func mutated(_ seed: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        let pieces = [
            "0", "1", "99", "-1", "null", "true", "\"\"", "[]", "{}", "\"a\"", "▁", "<s>", "é", "\\u0000", ",",
        ].map { Array($0.utf8) }
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            let upper = min(bytes.count, place + Int.random(in: 0...6, using: &generator))
            switch Int.random(in: 0...4, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[place] = UInt8.random(in: 0x20...0x7E, using: &generator)
            case 2: bytes.removeSubrange(place..<upper)
            case 3: bytes.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: place)
            default: bytes.replaceSubrange(place..<upper, with: pieces.randomElement(using: &generator) ?? [])
            }
            if bytes.isEmpty { return [0x7B] }
        }
        return bytes
    }

    private static func mutate(_ fields: inout GGUFVocabulary, _ generator: inout SeededGenerator) {
        let token = Int.random(in: 0..<max(1, fields.tokens.count), using: &generator)
        let id = [-1, 0, 1, token, fields.tokens.count, Int.max].randomElement(using: &generator)
        switch Int.random(in: 0...10, using: &generator) {
        case 0: fields.bosToken = id
        case 1: fields.eosToken = id
        case 2: fields.unknownToken = id
        case 3: fields.tokens[token] = (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) }
        case 4: fields.tokens[token] = fields.tokens.randomElement(using: &generator) ?? []
        case 5: fields.types?[token] = Int32.random(in: -1...8, using: &generator)
        case 6: fields.scores?[token] = [Float.nan, .infinity, -.infinity, 0].randomElement(using: &generator) ?? 0
        case 7:
            fields.merges?.append((0..<4).map { _ in [0x20, 0x61, 0x68, 0x65].randomElement(using: &generator) ?? 0 })
        case 8: fields.types = nil
        case 9: fields.model = ["llama", "gpt2", "t5", "gemma4", "bert"].randomElement(using: &generator) ?? "llama"
        default: (fields.addBOS, fields.addEOS, fields.addSpacePrefix) = (true, true, Bool.random(using: &generator))
        }
    }
}
