import JSON
import TestSupport
import Testing

/// Models from outside the repository, served as they are; left out with a note where they are absent.
@Suite struct SharedModelTests {
    @Test(arguments: ["stories260K/stories260K-F32.gguf", "stories260K/hf", "stories3M/stories3M-F32.gguf"])
    func greedyTextIsTheReferences(path: String) throws {
        guard let model = TestFiles.sharedFile("models/\(path)", for: "served models"),
            let golden = TestFiles.sharedFile("models/golden.json", for: "served models")
        else { return }
        let root = try JSONValue(parsing: try #require(TestFiles.bytes(of: golden)), limits: .file)
        let name = String(path.prefix { $0 != "/" })
        let cases = try #require(root.asObject?[name]?.asObject?["cases"]?.asArray)
        let server = try ServerUnderTest(["--model", model, "--threads", "2", "--kv-storage", "f32"])
        for story in cases {
            let prompt = try #require(story.asObject?["prompt"]?.asString)
            let count = try #require(story.asObject?["greedy_ids"]?.asArray?.count)
            let answer = try server.complete([
                "prompt": .string(prompt), "max_tokens": .integer(count), "temperature": 0, "echo": true,
            ])
            // The reference's text ends with the token that ended it, which has no text of its own here.
            let expected = try #require(story.asObject?["greedy_text"]?.asString)
            #expect(answer.status == 200)
            #expect(answer.text == expected || expected.hasPrefix(answer.text), "\(prompt)")
        }
    }
}
