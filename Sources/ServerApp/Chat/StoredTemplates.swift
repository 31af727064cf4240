internal import Foundation
internal import JSON
internal import ModelFiles
internal import Templates

/// The chat templates that come with a model, as texts, and the special tokens that they may name.
struct StoredTemplates: Sendable {
    /// The template for conversations.
    var text: String?
    /// Another one for conversations with tools, where the model has such.
    var toolText: String?
    /// `bos_token` and the like, with their texts.
    var specialTokens: [(name: String, value: JSONValue)] = []

    /// Names under which transformers passes special tokens to a template, each with GGUF's name of the id.
    private static let tokenNames = [
        ("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"), ("sep_token", "seperator"),
        ("pad_token", "padding"), ("cls_token", "cls"), ("mask_token", "mask"),
    ]

    /// The templates that `path` leads to: in a GGUF file, a folder, or beside a file of a folder.
    init(path: String) throws {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            guard FileManager.default.fileExists(atPath: path) else {
                throw ChatFormatError.unreadableFile(path: path, reason: "there is no such file or folder")
            }
            let head = FileHandle(forReadingAtPath: path).flatMap { try? $0.read(upToCount: 4) }
            if head.map({ Array($0) }) == Array("GGUF".utf8) {
                try self.init(try GGUFFile(path: path).metadata)
            } else {
                try self.init(folder: path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".")
            }
            return
        }
        let files = names.filter { $0.hasSuffix(".gguf") }
        if files.count == 1, !names.contains("tokenizer_config.json") {
            try self.init(try GGUFFile(path: "\(path)/\(files[0])").metadata)
        } else {
            try self.init(folder: path)
        }
    }

    /// Of a GGUF file: `tokenizer.chat_template`, and `tokenizer.chat_template.tool_use` beside it.
    init(_ metadata: GGUFMetadata) throws(ModelFileError) {
        text = try metadata.stringIfPresent("tokenizer.chat_template")
        toolText = try metadata.stringIfPresent("tokenizer.chat_template.tool_use")
        guard let tokens = try metadata.stringsIfPresent("tokenizer.ggml.tokens") else { return }
        for (name, key) in Self.tokenNames {
            guard let id = try metadata.uintIfPresent("tokenizer.ggml.\(key)_token_id"), tokens.indices.contains(id)
            else { continue }
            specialTokens.append((name, .string(String(decoding: tokens[id], as: UTF8.self))))
        }
    }

    /// Of a Hugging Face folder: `chat_template.jinja`, else `chat_template` in `tokenizer_config.json` (one text, or a
    /// list of named ones), else `chat_template.json`.
    init(folder: String) throws {
        let config = try Self.object("tokenizer_config.json", in: folder)
        let tokenMap = try Self.object("special_tokens_map.json", in: folder)
        read(config?["chat_template"])
        if text == nil { read(try Self.object("chat_template.json", in: folder)?["chat_template"]) }
        if let file = try Self.file("chat_template.jinja", in: folder) { text = file }
        if let file = try Self.file("chat_templates/tool_use.jinja", in: folder) { toolText = file }
        for name in Self.tokenNames.map(\.0) {
            let value = config?[name] ?? tokenMap?[name]
            if let text = value?.asString ?? value?.asObject?["content"]?.asString {
                specialTokens.append((name, .string(text)))
            }
        }
        if let more = config?["additional_special_tokens"]?.asArray, !more.isEmpty {
            let texts = more.compactMap { $0.asString ?? $0.asObject?["content"]?.asString }
            specialTokens.append(("additional_special_tokens", .array(texts.map { .string($0) })))
        }
    }

    /// One template's text, or `[{"name": …, "template": …}]`.
    private mutating func read(_ value: JSONValue?) {
        if let single = value?.asString { text = single }
        for entry in value?.asArray ?? [] {
            guard let name = entry.asObject?["name"]?.asString else { continue }
            let template = entry.asObject?["template"]?.asString
            if name == "default" { text = template }
            if name == "tool_use" { toolText = template }
        }
        if text == nil { text = toolText }
    }

    private static func file(_ name: String, in folder: String) throws(ChatFormatError) -> String? {
        let path = "\(folder)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try ChatFormat.text(ofFile: path)
    }

    private static func object(_ name: String, in folder: String) throws(ChatFormatError) -> JSONObject? {
        let path = "\(folder)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let text: String
        do throws(TextFileError) {
            text = try TextFile.read(path, limit: 64 << 20)
        } catch {
            throw .unreadableFile(path: path, reason: error.reason)
        }
        do throws(JSONError) {
            return try JSONValue(parsing: Array(text.utf8), limits: .file).asObject
        } catch {
            throw .unreadableFile(path: path, reason: "is no JSON: \(error)")
        }
    }
}
