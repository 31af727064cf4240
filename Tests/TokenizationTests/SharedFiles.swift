import Foundation
import ModelFiles
@testable import Tokenization

/// Third-party vocabularies, read from `KEYHOLD_SHARED` or `../shared`; tests that need them are skipped without.
enum SharedFiles {
    static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["KEYHOLD_SHARED"] { return URL(filePath: path) }
        return URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared").standardized
    }()

    /// Whether the folder is there. Where it is not, the suites that read it do nothing.
    static let exist: Bool = {
        let exist = FileManager.default.fileExists(atPath: root.appending(path: "tokenizers").path)
        if !exist {
            print("no folder \(root.path): tests over third-party vocabularies are skipped (set KEYHOLD_SHARED)")
        }
        return exist
    }()

    static func path(_ name: String) -> String { root.appending(path: name).path }

    static func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: root.appending(path: name))) }

    /// The strings and ids of a vocabulary's test vectors.
    static func vectors(_ name: String) throws -> (texts: [String], ids: [[Int32]]) {
        let text = String(decoding: try bytes("tokenizers/vocab/\(name).inp"), as: UTF8.self)
        let ids = String(decoding: try bytes("tokenizers/vocab/\(name).out"), as: UTF8.self)
        let lines = ids.split(separator: "\n", omittingEmptySubsequences: false)
        return (
            text.components(separatedBy: "\n__ggml_vocab_test__\n"),
            lines.map { $0.split(separator: " ").compactMap { Int32($0) } }
        )
    }
}

extension Tokenizer {
    /// The tokenizer of a GGUF file.
    convenience init(ggufAt path: String) throws {
        let metadata = try GGUFFile(path: path).metadata
        let key = "tokenizer.ggml."
        var fields = GGUFVocabulary(
            model: try metadata.string(key + "model"), tokens: try metadata.strings(key + "tokens"))
        fields.pre = try metadata.stringIfPresent(key + "pre")
        fields.scores = try metadata.floatsIfPresent(key + "scores")
        fields.types = try metadata.int32sIfPresent(key + "token_type")
        fields.merges = try metadata.stringsIfPresent(key + "merges")
        fields.bosToken = try metadata.uintIfPresent(key + "bos_token_id")
        fields.eosToken = try metadata.uintIfPresent(key + "eos_token_id")
        fields.unknownToken = try metadata.uintIfPresent(key + "unknown_token_id")
        fields.endTokens = try [metadata.uintIfPresent(key + "eot_token_id")].compactMap { $0 }
        fields.addBOS = try metadata.boolIfPresent(key + "add_bos_token")
        fields.addEOS = try metadata.boolIfPresent(key + "add_eos_token")
        fields.addSpacePrefix = try metadata.boolIfPresent(key + "add_space_prefix")
        try self.init(fields)
    }
}
