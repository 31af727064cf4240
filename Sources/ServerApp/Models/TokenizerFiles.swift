internal import Foundation
internal import JSON
internal import ModelFiles
internal import Tokenization

/// Finds the tokenizer behind a path, without any weights: a GGUF file (one with only a vocabulary too), a folder with
/// tokenizer files, or one such file by itself.
struct TokenizerFiles {
    /// Names of tokenizer files in a folder, best first; any `*.tiktoken` comes after them.
    static let names = ["tokenizer.json", "tokenizer.model"]
    /// Nothing that holds a tokenizer is larger.
    static let mostBytes = 1 << 30

    /// The file that was read.
    let path: String
    let tokenizer: Tokenizer

    /// The tokenizer that `path` leads to. `pre` names the splitting patterns of a rank file, where its size does not.
    init(path: String, pre: String? = nil) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw ModelLoadError.unreadableTokenizer(path: path, reason: "there is no such file or folder")
        }
        let members = try? FileManager.default.contentsOfDirectory(atPath: path)
        try self.init(file: try members.map { try Self.file(inFolder: path, members: Set($0)) } ?? path, pre: pre)
    }

    /// The best tokenizer file of a folder, or its only GGUF file.
    private static func file(inFolder path: String, members present: Set<String>) throws -> String {
        var found = names.filter(present.contains) + present.filter { $0.hasSuffix(".tiktoken") }.sorted()
        if found.isEmpty {
            found = present.filter { $0.hasSuffix(".gguf") }.sorted()
            if found.count > 1 {
                let reason = "the folder has no tokenizer files and \(found.count) .gguf files; name one of them"
                throw ModelLoadError.unreadableTokenizer(path: path, reason: reason)
            }
        }
        guard let name = found.first else { throw ModelLoadError.noTokenizer(path: path) }
        return path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    private init(file path: String, pre: String?) throws {
        self.path = path
        let head = FileHandle(forReadingAtPath: path).flatMap { try? $0.read(upToCount: 4) }.map { Array($0) }
        if head == Array("GGUF".utf8) {
            tokenizer = try Self.tokenizer(of: try GGUFFile(path: path).metadata, path: path)
            return
        }
        let bytes = try Self.bytes(path)
        let config = try Self.object("tokenizer_config.json", beside: path)
        let generation = try Self.object("generation_config.json", beside: path)
        tokenizer = try Self.naming(path) { () throws(TokenizerError) in
            if path.hasSuffix(".json") || bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
                try Tokenizer(tokenizerJSON: bytes, tokenizerConfig: config, generationConfig: generation)
            } else if TiktokenRanks.areLikely(bytes) {
                try Tokenizer(
                    tiktokenRanks: bytes, pre: pre, tokenizerConfig: config, generationConfig: generation)
            } else {
                try Tokenizer(sentencePieceModel: bytes, tokenizerConfig: config, generationConfig: generation)
            }
        }
    }

    /// The tokenizer in the metadata of the GGUF file at `path`.
    static func tokenizer(of metadata: GGUFMetadata, path: String) throws -> Tokenizer {
        guard let fields = try GGUFVocabulary(metadata) else { throw ModelLoadError.noTokenizer(path: path) }
        return try naming(path) { () throws(TokenizerError) in try Tokenizer(fields) }
    }

    private static func bytes(_ path: String) throws(ModelLoadError) -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw .unreadableTokenizer(path: path, reason: "the file cannot be opened")
        }
        let data: Data
        do {
            // Nil is the end of the file: it is empty.
            data = try file.read(upToCount: mostBytes + 1) ?? Data()
        } catch {
            throw .unreadableTokenizer(path: path, reason: "the file cannot be read")
        }
        guard data.count <= mostBytes else {
            throw .unreadableTokenizer(path: path, reason: "the file is larger than \(mostBytes) bytes")
        }
        return Array(data)
    }

    /// A JSON object in the same folder; nil where there is no such file.
    private static func object(_ name: String, beside path: String) throws(ModelLoadError) -> JSONObject? {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        guard FileManager.default.fileExists(atPath: folder + name) else { return nil }
        let bytes = try bytes(folder + name)
        do throws(JSONError) {
            return try JSONValue(parsing: bytes, limits: .file).asObject
        } catch {
            throw .unreadableTokenizer(path: folder + name, reason: error.description)
        }
    }

    /// Tokenizers are made of values and do not know where these came from.
    private static func naming(
        _ path: String, _ make: () throws(TokenizerError) -> Tokenizer
    ) throws(ModelLoadError) -> Tokenizer {
        do throws(TokenizerError) { return try make() } catch { throw .badTokenizer(path: path, error) }
    }
}
