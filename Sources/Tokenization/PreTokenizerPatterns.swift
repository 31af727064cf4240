/// The splitting patterns behind GGUF's `tokenizer.ggml.pre`, each the published pattern of its model family.
enum PreTokenizerPatterns {
    /// GPT-2 (Radford et al. 2019): contractions, words, numbers, punctuation, spaces.
    static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    /// Contractions without regard to case, then an optional other character and a word.
    private static let wordsWithLead =
        #"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|"#
    private static let punctuationLinesSpaces = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    /// Llama 3: numbers in groups of three digits.
    private static let llama3 = wordsWithLead + #"\p{N}{1,3}"# + punctuationLinesSpaces
    /// Qwen 2: single digits.
    private static let qwen2 = wordsWithLead + #"\p{N}"# + punctuationLinesSpaces
    /// Mistral's Tekken: words cut at changes of case, single digits.
    private static let tekken =
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"#
        + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"#
        + #"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let digit = #"\p{N}"#
    private static let threeDigits = "[0-9][0-9][0-9]"

    /// Patterns of each name, applied one after the other to the pieces of the one before.
    private static let patterns: [String: [String]] = {
        var patterns: [String: [String]] = [
            "default": [#"[\p{P}\$\+<=>\^~\|]+"#, gpt2, #"\p{N}+"#, threeDigits],
            "falcon": [#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, threeDigits],
            "tekken": [tekken],
        ]
        for name in ["gpt-2", "phi-2", "mpt", "olmo", "jais", "gigachat", "jina-es", "jina-de"] {
            patterns[name] = [gpt2]
        }
        for name in ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone"] {
            patterns[name] = [digit, gpt2]
        }
        for name in ["llama-bpe", "llama3", "llama-v3", "dbrx", "smaug-bpe", "chatglm-bpe"] {
            patterns[name] = [llama3]
        }
        for name in ["qwen2", "stablelm2", "deepseek-r1-qwen", "megrez"] { patterns[name] = [qwen2] }
        return patterns
    }()

    /// The names that are known, sorted.
    static var names: [String] { patterns.keys.sorted() }

    /// The steps of a name; throws for an unknown one.
    static func steps(named name: String) throws(TokenizerError) -> [PreTokenizerStep] {
        guard let patterns = patterns[name] else {
            throw .unsupported(field: "tokenizer.ggml.pre", value: name, known: names)
        }
        var steps: [PreTokenizerStep] = []
        for pattern in patterns { steps.append(.split(try RegularExpression(pattern), .isolated, isInverted: false)) }
        return steps
    }
}
