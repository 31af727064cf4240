import Foundation
import JSON
import TestSupport
import Testing

/// Models as users bring them: split files, and chat templates that do not work.
@Suite struct BroughtModelTests {
    private static let builtIn = "\(TestFiles.packageRoot)/Sources/ServerApp/Resources/recall3M-Q8_0.gguf"

    private func splitModel() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let whole = try #require(TestFiles.bytes(of: Self.builtIn))
        for (index, part) in SplitParts.of(whole, count: 3).enumerated() {
            try folder.write(part, to: "model-0000\(index + 1)-of-00003.gguf")
        }
        return folder
    }

    @Test func aSplitModelAnswersAsTheWholeOneDoes() throws {
        let folder = try splitModel()
        defer { withExtendedLifetime(folder) {} }
        let prompt: JSONValue = ["prompt": "The", "max_tokens": 12, "temperature": 0, "logprobs": 2]
        let wanted = try ServerUnderTest(["--model", Self.builtIn, "--threads", "2"]).complete(prompt)
        #expect(wanted.status == 200 && !wanted.text.isEmpty)
        // Any part and the folder stand for the model.
        for name in ["/model-00001-of-00003.gguf", "/model-00003-of-00003.gguf", ""] {
            let server = try ServerUnderTest(["--model", folder.path + name, "--threads", "2"])
            let answer = try server.complete(prompt)
            #expect(answer.status == 200 && answer.choices == wanted.choices, "\(name): \(answer.json)")
        }
    }

    @Test func inspectTellsOfAllPartsOrWhichIsMissing() throws {
        let folder = try splitModel()
        let part = "\(folder.path)/model-00002-of-00003.gguf"
        let whole = try JSONValue(
            parsing: Array(Command.run(["inspect", "--json", Self.builtIn]).text.utf8), limits: .file)
        let found = try JSONValue(parsing: Array(Command.run(["inspect", "--json", part]).text.utf8), limits: .file)
        for key in ["family", "parameters", "weights", "kv_bytes_per_token", "fault"] {
            #expect(found.asObject?[key] == whole.asObject?[key] && found.asObject?[key] != nil, "\(key)")
        }
        let text = try Command.run(["inspect", part]).text
        #expect(text.contains("GGUF version 3 in 3 files"), "\(text)")
        try FileManager.default.removeItem(atPath: "\(folder.path)/model-00003-of-00003.gguf")
        let broken = try Command.run(["inspect", part])
        #expect(broken.status != 0)
        #expect(
            broken.errorText.contains("model-00003-of-00003.gguf: part 3 of the 3 that the model is split into"),
            "\(broken.errorText)")
    }

    /// A folder as from a hub, with this template.
    private func model(template: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in ["config.json", "model.safetensors"] {
            let bytes = TestFiles.bytes(of: "\(TestFiles.fixtures(of: "DecodingTests"))/families/llama/\(name)")
            try folder.write(try #require(bytes), to: name)
        }
        try folder.write(ByteTokenizer.json, to: "tokenizer.json")
        let configuration: JSONValue = ["chat_template": .string(template)]
        try folder.write(configuration.serialized(), to: "tokenizer_config.json")
        return folder
    }

    @Test(arguments: [
        ("a\n{% if %}", "cannot be read", "line 2: "),
        ("{{ messages | nonsense }}", "cannot be read", "No filter named 'nonsense'"),
        ("{{ messages[0].content + 5 }}", "fails with a short conversation", "line 1: "),
        ("{% for m in range(10 ** 9) %}x{% endfor %}", "fails with a short conversation", "line 1: "),
    ])
    func aTemplateThatDoesNotWorkIsAWarningAndARefusal(template: String, warning: String, reason: String) throws {
        let folder = try model(template: template)
        let inspected = try Command.run(["inspect", folder.path])
        #expect(inspected.text.contains(warning), "\(inspected.text)")
        let server = try ServerUnderTest(["--model", folder.path, "--threads", "1"])
        #expect(server.log.contains(warning) && server.log.contains(reason), "\(server.log)")
        let chat = try server.chat(["messages": [["role": "user", "content": "Hello"]], "max_tokens": 1])
        #expect(chat.status == 400 && chat["error", "code"] == "chat_template_error", "\(chat.json)")
        #expect(chat["error", "message"].asString?.contains(reason) == true, "\(chat.json)")
        #expect(try server.complete(["prompt": "Hello", "max_tokens": 1]).status == 200)
    }

    /// What a template refuses by itself is the client's fault, and no reason to warn.
    @Test func aTemplatesOwnRefusalIsNoWarning() throws {
        let folder = try model(template: "{{ raise_exception('A system message is needed.') }}")
        let server = try ServerUnderTest(["--model", folder.path, "--threads", "1"])
        #expect(!server.log.contains("template"), "\(server.log)")
        let chat = try server.chat(["messages": [["role": "user", "content": "Hello"]], "max_tokens": 1])
        #expect(chat.status == 400 && chat["error", "message"].asString?.contains("A system message") == true)
    }
}
