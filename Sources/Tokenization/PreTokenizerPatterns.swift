/// The splitting patterns behind GGUF's `tokenizer.ggml.pre`, each the published pattern of its model family.
enum PreTokenizerPatterns {
    /// GPT-2 (Radford et al. 2019): contractions, words, numbers, punctuation, spaces.
    static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    /// ASCII's symbols count as punctuation.
    static let punctuationMark = #"[\p{P}!-/:-@\[-`{-~]"#
    private static let contraction = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)"#
    /// Contractions without regard to case, then an optional other character and a word.
    private static let wordsWithLead = contraction + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"#
    private static let punctuation = #"| ?[^\s\p{L}\p{N}]+[\r\n]*"#
    private static let linesAndSpaces = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
    /// Llama 3 has numbers in groups of three digits, Qwen 2 single ones.
    static let llama3 = wordsWithLead + #"\p{N}{1,3}"# + punctuation + linesAndSpaces
    static let qwen2 = wordsWithLead + #"\p{N}"# + punctuation + linesAndSpaces
    private static let qwen35 =
        contraction + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"# + linesAndSpaces
    private static let uppercase = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    private static let lowercase = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    /// The same without Chinese characters, told by what does not belong to them.
    private static let uppercaseButHan = #"[^\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{Han}]"#
    private static let lowercaseButHan = #"[^\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{Han}]"#
    /// Words cut at changes of case, each with what may follow it.
    private static func casedWords(
        _ ending: String, upper: String = uppercase, lower: String = lowercase
    ) -> String {
        let lead = #"[^\r\n\p{L}\p{N}]?"#
        return "\(lead)\(upper)*\(lower)+\(ending)|\(lead)\(upper)+\(lower)*\(ending)|"
    }
    private static let punctuationWithSlash = #"| ?[^\s\p{L}\p{N}]+[\r\n/]*"#
    private static let tekken = casedWords("") + #"\p{N}"# + punctuationWithSlash + linesAndSpaces
    /// GPT-4o.
    static let o200k = casedWords(contraction + "?") + #"\p{N}{1,3}"# + punctuationWithSlash + linesAndSpaces
    /// BLOOM and its kin: everything but blanks and sentence punctuation, with a leading space.
    private static let bloom = #" ?[^(\s|.,!?…。，、।۔،)]+"#
    private static let digit = #"\p{N}"#
    private static let threeDigits = "[0-9][0-9][0-9]"
    private static let groupsOfThree = #"\p{N}{1,3}"#
    private static let kana = "[一-龥぀-ゟ゠-ヿ]+"
    private static let deepSeekLead =
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
    private static let deepSeekWords = deepSeekLead + #"| ?[\p{P}\p{S}]+[\r\n]*"# + linesAndSpaces
    /// Hangul; wide punctuation; Bopomofo; Han and kana.
    private static let eastAsian = "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+"
    /// Han, kana, and the scripts of South-East Asia and Korea.
    private static let asianScripts =
        #"[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{F900}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF}\x{FF65}-\x{FF9F}"#
        + #"\x{2F00}-\x{2FDF}\x{E40}-\x{E7F}\x{EC0}-\x{EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60}-\x{AA7F}"#
        + #"\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+"#
    /// Letters with case, as DeepSeek's file lists them.
    private static let deepSeekLetters =
        "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅ"
        + "Ὀ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯ"
        + "ꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
    private static let hanToHangul = "[一-龥ࠀ-一가-퟿]+"

    /// Names with the same patterns, which are applied one after the other to the pieces of the one before.
    private static let groups: [(names: [String], patterns: [String])] = [
        (["default"], [#"[\p{P}\$\+<=>\^~\|]+"#, gpt2, #"\p{N}+"#, threeDigits]),
        (["falcon"], [#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, threeDigits]),
        (
            [
                "gpt-2", "phi-2", "mpt", "olmo", "jais", "gigachat", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de",
                "jina-v1-en", "jina-v2-code", "roberta-bpe", "a.x-4.0", "mellum", "modern-bert", "exaone4", "trillion",
                "granite-docling",
            ], [gpt2]
        ),
        (
            ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"],
            [digit, gpt2]
        ),
        (
            [
                "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
                "jina-v5-nano", "dbrx", "smaug-bpe", "chatglm-bpe", "glm4", "glm5",
            ], [llama3]
        ),
        (
            [
                "qwen2", "stablelm2", "deepseek-r1-qwen", "megrez", "kormo", "f2llmv2", "hunyuan", "solar-open",
                "grok-2",
            ], [qwen2]
        ),
        (["qwen35"], [qwen35]),
        (["ufakzeka"], [#"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + punctuation + linesAndSpaces]),
        (["minicpm5"], [groupsOfThree, wordsWithLead + #"\p{N}+"# + punctuation + linesAndSpaces]),
        (["laguna"], [#"[^\n]+|[\n]+"#, qwen2]),
        (["tekken"], [tekken]),
        (["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2", "granite-embed-multi-97m"], [o200k]),
        (["tiny_aya", "cohere2moe"], [#"\d{1,3}(?=(?:\d{3})*\b)"#, o200k]),
        (
            ["kimi-k2"],
            [
                #"\p{Han}+|"# + casedWords(contraction + "?", upper: uppercaseButHan, lower: lowercaseButHan)
                    + groupsOfThree + punctuation + linesAndSpaces
            ]
        ),
        (["youtu"], [eastAsian, casedWords(contraction + "?") + digit + punctuationWithSlash + linesAndSpaces]),
        (["afmoe"], [DigitGroups.allNumbers, asianScripts, deepSeekWords]),
        (
            ["spark2_5"],
            [groupsOfThree, kana, deepSeekLead + #"| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+"#, digit]
        ),
        (["superbpe"], [#"\p{N}+"#, #"(?=(\d{3})+(?!\d))"#]),
        (["poro-chat", "bloom", "gpt3-finnish"], [bloom]),
        (["viking"], [bloom, digit]),
        (
            ["deepseek-llm"],
            [
                "[\r\n]", #"\s?["# + deepSeekLetters + "]+", #"\s?[!-/:-~！-／：-～‘-‟　-。]+"#, #"\s+$"#, hanToHangul,
                #"\p{N}+"#,
            ]
        ),
        (["deepseek-coder"], ["[\r\n]", #"\s?\p{L}+"#, #"\s?\p{P}+"#, hanToHangul, digit]),
        (["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"], [groupsOfThree, kana, deepSeekWords]),
        (
            ["jais-2"],
            [
                wordsWithLead + groupsOfThree + punctuation + #"|\s*[\r\n]+|"#
                    + [512, 256, 128, 64, 32, 16, 8, 4].map { #"\s{\#($0)}(?!\S)|"# }.joined()
                    + #"\s{1,2}(?!\S)|\s{1}"#
            ]
        ),
        (
            ["bailingmoe", "bailingmoe2", "llada-moe"],
            [
                #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]"#
                    + #"|\s+(?!\S)|\s+"#
            ]
        ),
        (["seed-coder"], [wordsWithLead + #"\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+"# + linesAndSpaces]),
        (
            ["exaone-moe"],
            [
                contraction + #"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"#
                    + #"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"#
            ]
        ),
        (
            ["chameleon"],
            [
                "<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\\t\\n]|    |  )", digit,
                #"[\p{P}!-/:-@\[-`{-~]"#, gpt2,
            ]
        ),
    ]

    private static let patterns: [String: [String]] = Dictionary(
        uniqueKeysWithValues: groups.flatMap { group in group.names.map { ($0, group.patterns) } })

    /// Families whose tokenizer takes a word that is a token as it is.
    static let wholeWordNames: Set<String> = [
        "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano",
        "tekken", "minicpm5", "glm4", "glm5", "granite-embed-multi-97m", "youtu",
    ]
    /// Families that merge characters, not bytes, from line to line: spaces are U+2581, and bytes without a token are
    /// `<0x0A>`. Those with `true` take a run of line breaks that is a token as it is.
    static let wholeLineNames = ["gemma4": true, "granite-embed-multi-311m": true, "sarvam-moe": false]
    /// Families whose texts begin with BOS where the file does not say.
    static let bosNames: Set<String> = [
        "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano",
        "tekken", "chameleon",
    ]

    /// The names of byte-level patterns, sorted.
    static var names: [String] { patterns.keys.sorted() }

    /// The lines of a text, and the runs of line breaks between them.
    static func lines() throws(TokenizerError) -> [PreTokenizerStep] { [try .isolating(#"[^\n]+|[\n]+"#)] }

    /// BERT's words: white space is dropped, punctuation stands alone.
    static func bert() throws(TokenizerError) -> [PreTokenizerStep] {
        let space = try RegularExpression(#"\s+"#)
        return [.split(space, .removed, isInverted: false), try .isolating(punctuationMark)]
    }

    /// The steps of a name; throws for an unknown one.
    static func steps(named name: String) throws(TokenizerError) -> [PreTokenizerStep] {
        guard let patterns = patterns[name] else {
            throw .unsupported(field: "tokenizer.ggml.pre", value: name, known: (names + wholeLineNames.keys).sorted())
        }
        var steps: [PreTokenizerStep] = []
        for pattern in patterns { steps.append(try PreTokenizerStep.isolating(pattern)) }
        return steps
    }
}

extension PreTokenizerStep {
    /// Makes each match of a pattern a piece of its own.
    static func isolating(_ pattern: String) throws(TokenizerError) -> PreTokenizerStep {
        if let groups = DigitGroups.standing(for: pattern) { return .digitGroups(groups) }
        return .split(try RegularExpression(pattern), .isolated, isInverted: false)
    }
}
