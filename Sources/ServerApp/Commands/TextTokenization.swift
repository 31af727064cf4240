internal import Foundation
internal import Generation
internal import JSON
internal import Tokenization

/// `keyhold tokenize` and `keyhold detokenize`: text to token ids and back with the tokenizer of any model or file.
public struct TextTokenization: Sendable {
    /// Why an input cannot be used.
    public enum InputError: Error, CustomStringConvertible {
        case badLine(number: Int, reason: String)
        case badToken(text: String, vocabularySize: Int)

        public var description: String {
            switch self {
            case .badLine(let number, let reason): "line \(number) of standard input: \(reason)"
            case .badToken(let text, let size): "'\(text)' is not a token id from 0 to \(size - 1)"
            }
        }
    }

    /// What becomes token ids beside plain text.
    public struct Options: Sendable {
        /// Begin with the BOS token where the vocabulary has one.
        public var beginsWithBOS = false
        /// Texts of control tokens become those tokens.
        public var parsesSpecial = false

        public init(beginsWithBOS: Bool = false, parsesSpecial: Bool = false) {
            self.beginsWithBOS = beginsWithBOS
            self.parsesSpecial = parsesSpecial
        }
    }

    /// Text that is written at once in the modes of many lines.
    private static let chunkBytes = 1 << 16

    private let tokenizer: Tokenizer

    /// Reads the tokenizer that `path` leads to, the built-in model's if nil. `pre` names the splitting patterns of a
    /// bare rank file.
    public init(path: String?, pre: String? = nil) throws {
        guard let path = path ?? BuiltInModel.path() else {
            throw ModelLoadError.noBuiltInModel(looked: BuiltInModel.folders)
        }
        tokenizer = try TokenizerFiles(path: try ModelDownload.localPath(path), pre: pre).tokenizer
    }

    /// The ids of a text with spaces between. What is not UTF-8 counts as U+FFFD.
    public func tokens(of text: [UInt8], _ options: Options) -> String {
        var tokens = tokenizer.encode(text, addSpecial: false, parseSpecial: options.parsesSpecial)
        if options.beginsWithBOS, let bos = tokenizer.bosToken { tokens.insert(bos, at: 0) }
        return tokens.map(String.init).joined(separator: " ")
    }

    /// For each line of `input`, a JSON string, a line with its ids.
    public func tokenizeLines(_ input: [UInt8], _ options: Options, write: (String) -> Void) throws {
        try forEachLine(input, write) { line, number in
            let value: JSONValue
            do throws(JSONError) {
                value = try JSONValue(parsing: Array(line), limits: .request)
            } catch {
                throw InputError.badLine(number: number, reason: error.description)
            }
            guard let text = value.asString else {
                throw InputError.badLine(number: number, reason: "must be a JSON string, not \(value.typeName)")
            }
            return tokens(of: Array(text.utf8), options)
        }
    }

    /// The text of ids with white space between. Control tokens are left out on request.
    public func text(of ids: some Sequence<UInt8>, skipsSpecial: Bool) throws -> String {
        var tokens: [TokenID] = []
        for word in ids.split(whereSeparator: { $0 <= 0x20 }) {
            let text = String(decoding: word, as: UTF8.self)
            guard let token = TokenID(text), (0..<tokenizer.vocabularySize).contains(Int(token)) else {
                throw InputError.badToken(text: text, vocabularySize: tokenizer.vocabularySize)
            }
            tokens.append(token)
        }
        return tokenizer.decode(tokens, skipSpecial: skipsSpecial, stripsLeadingSpace: true)
    }

    /// For each line of `input`, ids with spaces between, a line with their text as a JSON string.
    public func detokenizeLines(_ input: [UInt8], skipsSpecial: Bool, write: (String) -> Void) throws {
        try forEachLine(input, write) { line, _ in
            let text = JSONValue.string(try text(of: line, skipsSpecial: skipsSpecial))
            return String(decoding: text.serialized(), as: UTF8.self)
        }
    }

    /// All of standard input.
    public static func standardInput() -> [UInt8] { Array(FileHandle.standardInput.readDataToEndOfFile()) }

    private func forEachLine(
        _ input: [UInt8], _ write: (String) -> Void, _ answer: (ArraySlice<UInt8>, Int) throws -> String
    ) throws {
        var output = ""
        var number = 0
        var lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for line in lines {
            number += 1
            output += try answer(line, number)
            output += "\n"
            if output.utf8.count > Self.chunkBytes {
                write(output)
                output = ""
            }
        }
        write(output)
    }
}
