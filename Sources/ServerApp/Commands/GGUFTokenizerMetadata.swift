internal import Generation
internal import ModelFiles
internal import Tokenization

/// A tokenizer as GGUF's `tokenizer.ggml.*` keys.
struct GGUFTokenizerMetadata {
    private(set) var entries: [(key: String, value: GGUFFileWriter.Value)] = []

    /// No byte-level splitting that GGUF names gives this tokenizer's tokens.
    struct UnknownSplitting: Error, CustomStringConvertible {
        let known: [String]
        var description: String {
            "tokenizer.json: it splits text unlike every tokenizer that GGUF names; known are "
                + known.joined(separator: ", ")
        }
    }

    /// `size` tokens: those behind the vocabulary are unused.
    init(_ tokenizer: Tokenizer, size: Int) throws {
        let vocabulary = tokenizer.vocabulary
        let isByteLevel = Self.isByteLevel(vocabulary)
        var gguf = GGUFVocabulary(model: isByteLevel ? "gpt2" : "llama", tokens: vocabulary.tokens)
        gguf.types = vocabulary.types.map(\.rawValue)
        for id in gguf.tokens.count..<max(gguf.tokens.count, size) {
            gguf.tokens.append(Array("[PAD\(id)]".utf8))
            gguf.types?.append(TokenType.unused.rawValue)
        }
        gguf.bosToken = vocabulary.bosToken.map(Int.init)
        gguf.eosToken = vocabulary.eosToken.map(Int.init)
        gguf.unknownToken = vocabulary.unknownToken.map(Int.init)
        gguf.addBOS = vocabulary.addBOS
        gguf.addEOS = vocabulary.addEOS
        if isByteLevel {
            gguf.merges = vocabulary.merges.map {
                vocabulary.tokens[Int($0.left)] + [UInt8(ascii: " ")] + vocabulary.tokens[Int($0.right)]
            }
            gguf.pre = try Self.splitting(of: tokenizer, gguf)
        } else {
            gguf.scores = vocabulary.scores ?? Self.scores(vocabulary)
            let missing = gguf.tokens.count - vocabulary.tokens.count
            gguf.scores?.append(contentsOf: Array(repeating: -10_000, count: missing))
            gguf.addSpacePrefix = vocabulary.addSpacePrefix
        }
        set(gguf)
    }

    private mutating func set(_ gguf: GGUFVocabulary) {
        let prefix = "tokenizer.ggml."
        entries.append((prefix + "model", .string(gguf.model)))
        entries.append((prefix + "pre", .string(gguf.pre ?? "default")))
        entries.append((prefix + "tokens", .strings(gguf.tokens)))
        if let types = gguf.types { entries.append((prefix + "token_type", .int32s(types))) }
        if let scores = gguf.scores { entries.append((prefix + "scores", .float32s(scores))) }
        if let merges = gguf.merges { entries.append((prefix + "merges", .strings(merges))) }
        let ids = [
            ("bos_token_id", gguf.bosToken), ("eos_token_id", gguf.eosToken), ("unknown_token_id", gguf.unknownToken),
        ]
        for case (let key, let id?) in ids { entries.append((prefix + key, .uint32(UInt32(id)))) }
        let flags = [
            ("add_bos_token", gguf.addBOS), ("add_eos_token", gguf.addEOS), ("add_space_prefix", gguf.addSpacePrefix),
        ]
        for case (let key, let flag?) in flags { entries.append((prefix + key, .bool(flag))) }
    }

    /// Byte-level alphabets spell a space Ġ and have no byte tokens.
    private static func isByteLevel(_ vocabulary: Vocabulary) -> Bool {
        !vocabulary.types.contains(.byte) && vocabulary.tokens.contains(Array("Ġ".utf8))
    }

    /// Scores that choose merges in the order of their ranks.
    private static func scores(_ vocabulary: Vocabulary) -> [Float] {
        var scores = [Float](repeating: -10_000_000, count: vocabulary.tokens.count)
        for (rank, merge) in vocabulary.merges.enumerated().reversed() { scores[Int(merge.merged)] = -Float(rank) }
        return scores
    }

    /// The name whose splitting gives the same tokens on texts that tell them apart.
    private static func splitting(of tokenizer: Tokenizer, _ gguf: GGUFVocabulary) throws -> String {
        let names = GGUFVocabulary.splittingNames
        // Where a vocabulary does not tell two apart, the plainer one comes first.
        let usual = ["gpt-2", "qwen2", "llama-bpe", "smollm", "starcoder", "falcon", "tekken", "default"]
        for name in usual.filter(names.contains) + names.filter({ !usual.contains($0) }) {
            var candidate = gguf
            candidate.pre = name
            guard let other = try? Tokenizer(candidate) else { continue }
            let agrees = probes.allSatisfy {
                other.encode($0, addSpecial: false, parseSpecial: false)
                    == tokenizer.encode($0, addSpecial: false, parseSpecial: false)
            }
            if agrees { return name }
        }
        throw UnknownSplitting(known: names)
    }

    private static let probes = [
        "The year 1234567 and 3.14; I'LL say it's 'told... don't WE'VE?", "a\n\n b\t\tc   d \n \r\n  e!!\n\nf``` ==>>",
        "naïve Über ÀÉ 中文字符 работа 123 ४५६ ①② x² foo_bar camelCaseWord HTTPServer/path//more", "   ", "\n", " 'S'T 's",
        "++--$^~|<=> {}[]()#@&*%\"'`", "e\u{301}a\u{308}  \u{a0}\u{3000}end",
    ]
}
