import Foundation
import JSON
import Testing

@testable import ServerApp

/// Templates are found where models keep them.
@Suite struct StoredTemplatesTests {
    private func stored(_ files: [String: String]) throws -> StoredTemplates {
        let folder = FileManager.default.temporaryDirectory.appending(path: "keyhold-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return try StoredTemplates(path: folder.path)
    }

    @Test func theBuiltInModelHasOne() throws {
        let stored = try StoredTemplates(path: ModelLoaderTests.builtIn)
        #expect(stored.text?.contains("im_start") == true)
        #expect(stored.toolText == nil)
        #expect(stored.specialTokens.contains { $0.name == "bos_token" })
    }

    @Test func aConfigurationHoldsOneOrSeveral() throws {
        #expect(try stored(["tokenizer_config.json": #"{"chat_template":"a"}"#]).text == "a")
        let several = try stored([
            "tokenizer_config.json":
                #"{"chat_template":[{"name":"default","template":"a"},{"name":"tool_use","template":"b"}]}"#
        ])
        #expect(several.text == "a" && several.toolText == "b")
        #expect(try stored(["tokenizer_config.json": "{}"]).text == nil)
    }

    @Test func aFileGoesBeforeTheConfiguration() throws {
        let all = [
            "tokenizer_config.json": #"{"chat_template":"config"}"#, "chat_template.json": #"{"chat_template":"json"}"#,
            "chat_template.jinja": "file", "chat_templates/tool_use.jinja": "tools",
        ]
        let stored = try stored(all)
        #expect(stored.text == "file" && stored.toolText == "tools")
        #expect(try self.stored(all.filter { $0.key == "chat_template.json" }).text == "json")
    }

    @Test func specialTokensAreTextsOrObjects() throws {
        let stored = try stored([
            "tokenizer_config.json":
                #"{"bos_token":"<s>","eos_token":{"content":"</s>","lstrip":false},"pad_token":null}"#,
            "special_tokens_map.json": #"{"unk_token":"<unk>","bos_token":"other"}"#,
        ])
        let tokens = stored.specialTokens.map { "\($0.name)=\($0.value.asString ?? "")" }
        #expect(tokens == ["bos_token=<s>", "eos_token=</s>", "unk_token=<unk>"])
    }

    @Test func damagedFilesAreNamed() {
        let error = #expect(throws: ChatFormatError.self) { try stored(["tokenizer_config.json": "{"]) }
        #expect(error?.description.contains("tokenizer_config.json: is no JSON") == true)
    }
}
