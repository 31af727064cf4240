internal import ArgumentParser
internal import ServerApp

/// `keyhold tokenize`: the token ids of a text.
struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Print the token ids of standard input on one line.",
        discussion: "Works without weights: on vocabulary-only GGUF files, folders of tokenizer files and bare ones.")

    @OptionGroup var vocabulary: VocabularyOptions

    @Flag(help: "Begin with the BOS token.")
    var bos = false

    @Flag(name: .customLong("parse-special"), help: "Texts of control tokens become those tokens.")
    var parseSpecial = false

    @Flag(name: .customLong("lines-json"), help: "Read one JSON string per line and print a line of ids for each.")
    var linesJSON = false

    func run() throws {
        let tokenization = try vocabulary.tokenization()
        let options = TextTokenization.Options(beginsWithBOS: bos, parsesSpecial: parseSpecial)
        let input = TextTokenization.standardInput()
        if linesJSON { return try tokenization.tokenizeLines(input, options) { StandardOutput.write($0) } }
        StandardOutput.write(tokenization.tokens(of: input, options) + "\n")
    }
}

/// `keyhold detokenize`: the text of token ids.
struct DetokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detokenize",
        abstract: "Print the text of the token ids on standard input, as it is and without a line break.")

    @OptionGroup var vocabulary: VocabularyOptions

    @Flag(name: .customLong("skip-special"), help: "Leave control tokens out.")
    var skipSpecial = false

    @Flag(name: .customLong("lines-json"), help: "Read lines of ids and print the text of each as a JSON string.")
    var linesJSON = false

    func run() throws {
        let tokenization = try vocabulary.tokenization()
        let input = TextTokenization.standardInput()
        if linesJSON {
            return try tokenization.detokenizeLines(input, skipsSpecial: skipSpecial) { StandardOutput.write($0) }
        }
        StandardOutput.write(try tokenization.text(of: input, skipsSpecial: skipSpecial))
    }
}

/// Whose vocabulary it is.
struct VocabularyOptions: ParsableArguments {
    @Option(
        name: [.customShort("m"), .customLong("model")],
        help: "GGUF file, folder or tokenizer file; the built-in model if absent.")
    var model: String?

    @Option(help: "Splitting patterns of a rank file (.tiktoken) by their name in GGUF; else its size tells them.")
    var pre: String?

    func tokenization() throws -> TextTokenization { try TextTokenization(path: model, pre: pre) }
}
