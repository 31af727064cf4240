import Decoding
import Generation
import JSON
import KVCaching
import ModelFiles
import TestSupport
import Testing

/// Trained weights from outside the project: greedy continuations of a float32 reference (models/golden.json).
/// Skipped with a note where the shared folder is absent.
@Suite struct StoryModelTests {
    struct Story {
        let prompt: [TokenID]
        let continuation: [TokenID]
        let top8: [(token: Int, logit: Double)]
    }

    static let models = ["stories3M", "stories260K", "babyllama105"]

    static func stories(_ name: String) throws -> [Story]? {
        guard let path = TestFiles.sharedFile("models/golden.json", for: "story models") else { return nil }
        let root = try JSONValue(parsing: try #require(TestFiles.bytes(of: path)), limits: .file)
        let cases = try #require(root.asObject?[name]?.asObject?["cases"]?.asArray)
        return try cases.map { item in
            func ids(_ key: String) throws -> [TokenID] {
                try #require(item.asObject?[key]?.asArray).map { TokenID(try #require($0.asInt)) }
            }
            let top8 = try #require(item.asObject?["last_prompt_logits_top8"]?.asArray).map { pair in
                let pair = try #require(pair.asArray)
                return (token: try #require(pair[0].asInt), logit: try #require(pair[1].asDouble))
            }
            return Story(prompt: try ids("prompt_ids"), continuation: try ids("greedy_ids"), top8: top8)
        }
    }

    static func run(_ path: String, _ prompt: [TokenID], steps: Int, storage: String) throws -> GreedyRun {
        let model = try DecoderModel.load(ModelSource.open(path: path))
        var request = KVCacheRequest()
        request.storage = storage
        return try GreedyRun(
            PromiseTests.engine(model, rows: 64), prompt: prompt,
            plan: PromiseTests.plan(request, model, prompt: prompt.count, new: steps), steps: steps)
    }

    @Test(arguments: models, ["F32.gguf", "hf"])
    func floatWeightsContinueAsTheReference(name: String, format: String) throws {
        guard let stories = try Self.stories(name) else { return }
        let file = format == "hf" ? "models/\(name)/hf" : "models/\(name)/\(name)-\(format)"
        let path = try #require(TestFiles.sharedFile(file, for: name))
        for story in stories {
            let run = try Self.run(path, story.prompt, steps: story.continuation.count, storage: "f32")
            #expect(run.ids == story.continuation)
            for (token, logit) in story.top8 { #expect(abs(Double(run.logits[0][token]) - logit) < 1e-3) }
        }
    }

    /// Rounded weights and an f16 cache leave the first tokens of a greedy story as they are.
    @Test(arguments: models)
    func eightBitWeightsContinueSensibly(name: String) throws {
        guard let stories = try Self.stories(name) else { return }
        let path = try #require(TestFiles.sharedFile("models/\(name)/\(name)-Q8_0.gguf", for: name))
        for story in stories.prefix(3) {
            let run = try Self.run(path, story.prompt, steps: 4, storage: "f16")
            #expect(run.ids == Array(story.continuation.prefix(4)))
            for (token, logit) in story.top8 { #expect(abs(Double(run.logits[0][token]) - logit) < 0.5) }
        }
    }

    @Test(arguments: models)
    func fourBitWeightsContinueTheFirstToken(name: String) throws {
        guard let stories = try Self.stories(name) else { return }
        let path = try #require(TestFiles.sharedFile("models/\(name)/\(name)-Q4_0.gguf", for: name))
        let run = try Self.run(path, stories[0].prompt, steps: 1, storage: "f16")
        #expect(run.ids == Array(stories[0].continuation.prefix(1)))
    }
}
