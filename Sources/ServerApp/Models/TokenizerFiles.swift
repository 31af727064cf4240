internal import Foundation
internal import JSON
internal import ModelFiles
internal import Tokenization

/// Finds the tokenizer behind a path, without any weights: a GGUF file (one with only a vocabulary too) or a folder
/// with `tokenizer.json`.
struct TokenizerFiles {
    let tokenizer: Tokenizer

    /// The tokenizer that `path` leads to.
    init(path: String) throws {
        let head = FileHandle(forReadingAtPath: path).flatMap { try? $0.read(upToCount: 4) }.map { Array($0) }
        if head == Array("GGUF".utf8) {
            guard let fields = try GGUFVocabulary(try GGUFFile(path: path).metadata) else {
                throw ModelLoadError.noTokenizer(path: path)
            }
            tokenizer = try Tokenizer(fields)
            return
        }
        guard let data = FileManager.default.contents(atPath: "\(path)/tokenizer.json") else {
            throw ModelLoadError.noTokenizer(path: path)
        }
        let config = FileManager.default.contents(atPath: "\(path)/tokenizer_config.json")
        tokenizer = try Tokenizer(
            tokenizerJSON: Array(data),
            tokenizerConfig: try config.map { try JSONValue(parsing: Array($0), limits: .file).asObject } ?? nil,
            generationConfig: nil)
    }
}
