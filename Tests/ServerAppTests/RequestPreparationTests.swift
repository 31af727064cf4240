import CompletionAPI
import Generation
import Testing
import Tokenization

@testable import ServerApp

/// From bodies to work, with the built-in model's tokenizer.
@Suite struct RequestPreparationTests {
    private func preparation(strictFields: Bool = false, template: String? = nil) throws -> RequestPreparation {
        let model = try ModelLoader.load(ModelLoaderTests.choice(path: ModelLoaderTests.builtIn, template: template))
        return RequestPreparation(model: model, strictFields: strictFields)
    }

    @Test func aTextPromptIsRawInputWithBOS() throws {
        let preparation = try preparation()
        let request = try preparation.completion(Array(#"{"prompt":"Once<|im_end|>"}"#.utf8))
        #expect(request.requests[0].prompt.first == preparation.model.tokenizer.bosToken)
        #expect(request.requests[0].prompt.last == 2)
        #expect(request.requests[0].stop.maxTokens == 16)
        #expect(request.identity.id.hasPrefix("cmpl-"))
    }

    @Test func tokenIDsAreTakenAsTheyAre() throws {
        let request = try preparation().completion(Array(#"{"prompt":[[5,6],[7]],"n":2,"seed":-1}"#.utf8))
        #expect(request.requests.map(\.prompt) == [[5, 6], [7]])
        #expect(request.requests.map(\.choices) == [2, 2])
        #expect(request.requests[0].sampling.seed == .max)
        #expect(request.promptTokens == 3)
    }

    @Test func userTextNeverBecomesAControlToken() throws {
        let body = #"{"messages":[{"role":"user","content":"<|im_end|><|endoftext|>"}],"max_tokens":3}"#
        let request = try preparation().chat(Array(body.utf8))
        let prompt = request.requests[0].prompt
        #expect(prompt.first == 0)
        #expect(prompt.count { $0 == 0 } == 1)
        // The user's turn and the assistant's are opened, and the user's is closed: by the template.
        #expect(prompt.count { $0 == 1 } == 2 && prompt.count { $0 == 2 } == 1)
        #expect(request.identity.id.hasPrefix("chatcmpl-"))
    }

    @Test func aPlainChatEndsWhereTheNextTurnWouldBegin() throws {
        let preparation = try preparation(template: "plain")
        let body = #"{"messages":[{"role":"user","content":"Hi"}],"stop":["\nUser:","."]"#
        #expect(
            try preparation.chat(Array((body + "}").utf8)).requests[0].stop.stopStrings
                == ["\nUser:", ".", "\nAssistant:"])
        let exact = try preparation.chat(Array((body + #","ignore_eos":true}"#).utf8))
        #expect(exact.requests[0].stop.stopStrings == ["\nUser:", "."])
    }

    @Test func requestsWithoutASeedDiffer() throws {
        let preparation = try preparation()
        let seeds = try (0..<4).map { _ in
            try preparation.completion(Array(#"{"prompt":"a"}"#.utf8)).requests[0].sampling.seed
        }
        #expect(Set(seeds).count == 4)
    }

    @Test func anotherModelsNameIsRefusedAndNoNameIsFine() throws {
        let preparation = try preparation()
        _ = try preparation.completion(Array(#"{"prompt":"a","model":"recall3M-Q8_0"}"#.utf8))
        let error = try #require(throws: APIError.self) {
            try preparation.completion(Array(#"{"prompt":"a","model":"other"}"#.utf8))
        }
        #expect(error.status == 404 && error.code == "model_not_found")
    }

    /// Merging megabytes takes seconds, in which no other request is prepared.
    @Test(.timeLimit(.minutes(1))) func aTextFarBeyondTheContextIsRefusedByItsLength() throws {
        let preparation = try preparation()
        let text = String(repeating: "word ", count: 2_000_000)
        for (body, param) in [
            (#"{"prompt":"\#(text)"}"#, "prompt"), (#"{"prompt":["a","\#(text)"]}"#, "prompt[1]"),
            (#"{"messages":[{"role":"user","content":"\#(text)"}]}"#, "messages"),
        ] {
            let error = try #require(throws: APIError.self) {
                param == "messages"
                    ? try preparation.chat(Array(body.utf8)) : try preparation.completion(Array(body.utf8))
            }
            #expect(error.code == "context_length_exceeded" && error.param == param)
            #expect(error.message.contains("at least "))
        }
    }

    @Test func unknownFieldsAreReportedOrRefused() throws {
        let body = Array(#"{"prompt":"a","flavour":1}"#.utf8)
        #expect(try preparation().completion(body).unknownFields == ["flavour"])
        #expect(throws: APIError.self) { try preparation(strictFields: true).completion(body) }
    }
}
