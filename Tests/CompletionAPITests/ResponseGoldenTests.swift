import CompletionAPI
import Generation
import Testing

private let completionIdentity = ResponseIdentity(id: "cmpl-1", created: 7, model: "m", systemFingerprint: nil)
private let chatIdentity = ResponseIdentity(id: "chatcmpl-1", created: 7, model: "m", systemFingerprint: "fp_1")
private let head = #"{"id":"cmpl-1","object":"text_completion","created":7,"model":"m","system_fingerprint":null,"#
private let chatHead =
    #"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","system_fingerprint":"fp_1","#
private let cache =
    #""prompt_tokens_details":{"cached_tokens":0},"kv_cache":{"policy":"keyformer","budget_tokens":8,"#
    + #""budget_bytes":1000,"prompt_tokens_retained":6,"peak_tokens":12,"peak_bytes":1500,"#
    + #""evicted_tokens":4,"byte_seconds":0.25,"#
    + #""session_id":null,"shrunk":false}"#

private let usage = GenerationUsage.sample(promptTokens: 10, completionTokens: 2, retained: 6)
private let plainEvents: [TokenEvent] = [
    .text(choice: 0, text: " Once", tokens: [], generated: 1),
    .text(choice: 0, text: "", tokens: [], generated: 1),
    .text(choice: 0, text: " \"time\"\n", tokens: [], generated: 2),
    .finished(choice: 0, reason: .stop, stopReason: "END", usage: usage),
]
private let tokenEvents: [TokenEvent] = [
    .text(
        choice: 0, text: " Once",
        tokens: [
            ReportedToken(1, -0.5, top: [TokenLogprob(token: 1, logprob: -0.5), TokenLogprob(token: 8, logprob: -1)])
        ],
        generated: 1),
    .text(
        choice: 0, text: "", tokens: [ReportedToken(5, -2, top: [TokenLogprob(token: 2, logprob: -0.25)])], generated: 2
    ),
    .text(choice: 0, text: "é", tokens: [ReportedToken(6, -.infinity)], generated: 3),
    .finished(choice: 0, reason: .length, stopReason: nil, usage: usage),
]

private func completion(_ fields: String) throws -> CompletionRequest {
    try CompletionRequest(body: Array("{\"prompt\":\"p\"\(fields)}".utf8))
}

private func chat(_ fields: String) throws -> ChatRequest {
    try ChatRequest(body: Array("{\"messages\":[{\"role\":\"user\",\"content\":\"p\"}]\(fields)}".utf8))
}

private func collected(_ identity: ResponseIdentity, _ shape: ResponseShape, _ events: [TokenEvent]) throws -> String {
    var collector = ResponseCollector(identity: identity, shape: shape)
    for event in events { collector.add(event, prompt: 0) }
    #expect(collector.isFinished)
    return String(decoding: try collector.response(), as: UTF8.self)
}

/// The frames of a stream, without `data: ` and the empty lines.
private func streamed(_ identity: ResponseIdentity, _ shape: ResponseShape, _ events: [TokenEvent]) -> [String] {
    var stream = ResponseStream(identity: identity, shape: shape)
    var bytes = stream.begin()
    for event in events { bytes += stream.frames(for: event, prompt: 0) }
    #expect(stream.isFinished)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.hasSuffix("\n\n"))
    return text.split(separator: "\n\n").map { frame in
        #expect(frame.hasPrefix("data: "))
        return String(frame.dropFirst(6))
    }
}

@Suite struct CompletionGoldenTests {
    private func shape(_ fields: String, texts: [String] = ["p"]) throws -> ResponseShape {
        try completion(fields).shape(promptTokens: [10], promptTexts: texts, tokenBytes: tokenBytes)
    }

    @Test func wholeAnswer() throws {
        let choice =
            #""choices":[{"index":0,"text":" Once \"time\"\n","logprobs":null,"finish_reason":"stop","#
            + #""stop_reason":"END"}],"#
        let counts = #""usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"#
        #expect(try collected(completionIdentity, shape(""), plainEvents) == head + choice + counts + cache + "}}")
    }

    @Test func streamWithoutUsage() throws {
        let frames = streamed(completionIdentity, try shape(#","stream":true"#), plainEvents)
        #expect(
            frames == [
                head
                    + #""choices":[{"index":0,"text":" Once","logprobs":null,"finish_reason":null,"#
                    + #""stop_reason":null}]}"#,
                head + #""choices":[{"index":0,"text":" \"time\"\n","logprobs":null,"finish_reason":null,"#
                    + #""stop_reason":null}]}"#,
                head
                    + #""choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"stop","stop_reason":"END"}]}"#,
                "[DONE]",
            ])
    }

    @Test func streamWithUsageHasNullUsageInEveryOtherChunk() throws {
        let fields = #","stream":true,"stream_options":{"include_usage":true}"#
        let frames = streamed(completionIdentity, try shape(fields), plainEvents)
        #expect(frames.count == 5)
        #expect(frames.prefix(3).allSatisfy { $0.hasSuffix(#"}],"usage":null}"#) })
        let last = #""choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"#
        #expect(frames[3] == head + last + cache + "}}")
        #expect(frames[4] == "[DONE]")
    }

    @Test func continuousUsageIsInEveryChunk() throws {
        let fields = #","stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}"#
        let frames = streamed(completionIdentity, try shape(fields), plainEvents)
        #expect(frames[0].hasSuffix(#""usage":{"prompt_tokens":10,"completion_tokens":1,"total_tokens":11}}"#))
        #expect(frames[1].hasSuffix(#""usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}"#))
        #expect(frames[2].hasSuffix(#""usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}"#))
        #expect(frames[3].contains(#""choices":[],"usage":{"#) && frames[3].contains("kv_cache"))
        let without = #","stream":true,"stream_options":{"continuous_usage_stats":true}"#
        #expect(streamed(completionIdentity, try shape(without), plainEvents).count == 4)
    }

    private let logprobs =
        #""logprobs":{"tokens":[" Once","bytes:\\xc3","bytes:\\xa9"],"token_logprobs":[-0.5,-2.0,-9999.0],"#
        + #""top_logprobs":[{" Once":-0.5},{" upon":-0.25,"bytes:\\xc3":-2.0},{"bytes:\\xa9":-9999.0}],"#
        + #""text_offset":[0,5,5]}"#

    @Test func logprobsAreFourParallelArrays() throws {
        let answer = try collected(completionIdentity, shape(#","logprobs":2"#), tokenEvents)
        #expect(
            answer.contains(#"{"index":0,"text":" Onceé",\#(logprobs),"finish_reason":"length","stop_reason":null}"#))
    }

    @Test func streamedLogprobsHaveTheFormOfWholeOnes() throws {
        let frames = streamed(completionIdentity, try shape(#","logprobs":2,"stream":true"#), tokenEvents)
        #expect(frames.count == 5)
        let second =
            #"{"index":0,"text":"","logprobs":{"tokens":["bytes:\\xc3"],"token_logprobs":[-2.0],"#
            + #""top_logprobs":[{" upon":-0.25,"bytes:\\xc3":-2.0}],"text_offset":[5]},"finish_reason":null,"#
        #expect(frames[1].contains(second))
        #expect(frames[3].contains(#""text":"","logprobs":null,"finish_reason":"length""#))
    }

    private let promptTokens: [ReportedToken] = [
        ReportedToken(0, nil), ReportedToken(1, -1, top: [TokenLogprob(token: 1, logprob: -1)]), ReportedToken(3, -3),
    ]

    @Test func echoedPromptHasLogprobsFromTheSecondToken() throws {
        let shape = try shape(#","logprobs":1,"echo":true"#, texts: ["Once a"])
        let events = [.prompt(choice: 0, tokens: promptTokens)] + tokenEvents
        let answer = try collected(completionIdentity, shape, events)
        #expect(answer.contains(#""text":"Once a Onceé","logprobs":{"tokens":["<s>"," Once"," a"," Once","#))
        #expect(answer.contains(#""token_logprobs":[null,-1.0,-3.0,-0.5,-2.0,-9999.0]"#))
        #expect(answer.contains(#""top_logprobs":[null,{" Once":-1.0},{" a":-3.0},"#))
        #expect(answer.contains(#""text_offset":[0,0,4,6,11,11]"#))
        let streaming = try self.shape(#","logprobs":1,"echo":true,"stream":true"#, texts: ["Once a"])
        let frames = streamed(completionIdentity, streaming, events)
        #expect(frames[0].contains(#""text":"Once a","logprobs":{"tokens":["<s>"," Once"," a"]"#))
        #expect(frames[1].contains(#""text_offset":[6]"#))
    }

    @Test func scoringAPromptGeneratesNothing() throws {
        let shape = try shape(#","logprobs":0,"echo":true,"max_tokens":0"#, texts: ["Once a"])
        let nothing = GenerationUsage.sample(promptTokens: 10, completionTokens: 0, retained: 6)
        let answer = try collected(
            completionIdentity, shape,
            [
                .prompt(choice: 0, tokens: promptTokens),
                .finished(choice: 0, reason: .length, stopReason: nil, usage: nothing),
            ])
        #expect(answer.contains(#""text":"Once a","logprobs":{"tokens":["<s>"," Once"," a"]"#))
        #expect(answer.contains(#""completion_tokens":0"#))
    }

    @Test func echoWithoutLogprobsComesFirst() throws {
        let frames = streamed(
            completionIdentity, try shape(#","echo":true,"stream":true"#, texts: ["Ünö"]), plainEvents)
        #expect(frames[0].contains(#""text":"Ünö","logprobs":null,"finish_reason":null"#))
        #expect(frames.count == 5)
    }

    @Test func usageSumsTokensOfAllChoices() throws {
        let request = try CompletionRequest(body: Array(#"{"prompt":["a","b"],"n":2}"#.utf8))
        let shape = request.shape(promptTokens: [10, 20], promptTexts: [], tokenBytes: tokenBytes)
        var collector = ResponseCollector(identity: completionIdentity, shape: shape)
        for prompt in [1, 0] {
            for choice in [1, 0] {
                #expect(!collector.isFinished)
                collector.add(
                    .text(choice: choice, text: "\(prompt)/\(choice)", tokens: [], generated: 1), prompt: prompt)
                let usage = GenerationUsage.sample(promptTokens: 1, completionTokens: 3, retained: 5 + prompt + choice)
                collector.add(.finished(choice: choice, reason: .stop, stopReason: nil, usage: usage), prompt: prompt)
            }
        }
        let answer = String(decoding: try collector.response(), as: UTF8.self)
        for (index, text) in ["0/0", "0/1", "1/0", "1/1"].enumerated() {
            #expect(answer.contains(#"{"index":\#(index),"text":"\#(text)""#))
        }
        #expect(answer.contains(#""prompt_tokens":30,"completion_tokens":12,"total_tokens":42"#))
        #expect(answer.contains(#""budget_tokens":8,"budget_bytes":4000,"prompt_tokens_retained":13,"peak_tokens":12"#))
        #expect(answer.contains(#""peak_bytes":6000,"evicted_tokens":16,"byte_seconds":1.0"#))
    }
}

@Suite struct ChatGoldenTests {
    private func shape(_ fields: String) throws -> ResponseShape {
        try chat(fields).shape(promptTokens: 10, tokenBytes: tokenBytes)
    }

    @Test func wholeAnswer() throws {
        let answer = try collected(chatIdentity, shape(""), plainEvents)
        let expected =
            #"{"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"m","system_fingerprint":"fp_1","#
            + #""choices":[{"index":0,"message":{"role":"assistant","content":" Once \"time\"\n","refusal":null,"#
            + #""annotations":[]},"logprobs":null,"finish_reason":"stop","stop_reason":"END"}],"#
            + #""usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"# + cache + "}}"
        #expect(answer == expected)
    }

    @Test func streamBeginsWithTheRoleAndEndsWithAnEmptyDelta() throws {
        let fields = #","stream":true,"stream_options":{"include_usage":true}"#
        let frames = streamed(chatIdentity, try shape(fields), plainEvents)
        func choice(_ delta: String, _ finish: String) -> String {
            chatHead
                + #""choices":[{"index":0,"delta":\#(delta),"logprobs":null,"finish_reason":\#(finish)}],"usage":null}"#
        }
        #expect(
            frames == [
                choice(#"{"role":"assistant","content":""}"#, #"null,"stop_reason":null"#),
                choice(#"{"content":" Once"}"#, #"null,"stop_reason":null"#),
                choice(#"{"content":" \"time\"\n"}"#, #"null,"stop_reason":null"#),
                choice("{}", #""stop","stop_reason":"END""#),
                chatHead + #""choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"# + cache
                    + "}}",
                "[DONE]",
            ])
    }

    @Test func rolesOfAllChoicesComeFirst() throws {
        var stream = ResponseStream(identity: chatIdentity, shape: try shape(#","n":3,"stream":true"#))
        let first = String(decoding: stream.frames(for: plainEvents[0], prompt: 0), as: UTF8.self)
        let frames = first.split(separator: "\n\n")
        #expect(frames.count == 4)
        for index in 0..<3 { #expect(frames[index].contains(#"{"index":\#(index),"delta":{"role":"assistant""#)) }
        #expect(stream.begin().isEmpty)
    }

    @Test func logprobsHaveBytesAndAlternatives() throws {
        let answer = try collected(chatIdentity, shape(#","logprobs":true,"top_logprobs":2"#), tokenEvents)
        let expected =
            #""logprobs":{"content":["#
            + #"{"token":" Once","logprob":-0.5,"bytes":[32,79,110,99,101],"top_logprobs":["#
            + #"{"token":" Once","logprob":-0.5,"bytes":[32,79,110,99,101]},"#
            + #"{"token":" Once","logprob":-1.0,"bytes":[32,79,110,99,101]}]},"#
            + #"{"token":"bytes:\\xc3","logprob":-2.0,"bytes":[195],"top_logprobs":["#
            + #"{"token":" upon","logprob":-0.25,"bytes":[32,117,112,111,110]}]},"#
            + #"{"token":"bytes:\\xa9","logprob":-9999.0,"bytes":[169],"top_logprobs":[]}],"refusal":null}"#
        #expect(answer.contains(expected))
        let frames = streamed(chatIdentity, try shape(#","logprobs":true,"stream":true"#), tokenEvents)
        #expect(frames[3].contains(#""delta":{"content":"é"},"logprobs":{"content":[{"token":"bytes:\\xa9","#))
    }
}

@Suite struct EndingTests {
    private func ending(_ reason: FinishReason) throws -> String {
        let shape = try completion("").shape(promptTokens: [10], promptTexts: [], tokenBytes: tokenBytes)
        let events = plainEvents.dropLast() + [.finished(choice: 0, reason: reason, stopReason: nil, usage: usage)]
        return try collected(completionIdentity, shape, Array(events))
    }

    @Test func finishReasonStaysInTheContractsList() throws {
        #expect(try ending(.stop).contains(#""finish_reason":"stop","stop_reason":null"#))
        #expect(try ending(.length).contains(#""finish_reason":"length","stop_reason":null"#))
        #expect(try ending(.cancelled).contains(#""finish_reason":"length","stop_reason":"cancelled""#))
        #expect(try ending(.deadline).contains(#""finish_reason":"length","stop_reason":"deadline""#))
    }

    @Test func aFailedChoiceFailsTheRequest() throws {
        let error = #expect(throws: APIError.self) { try ending(.error("out of luck")) }
        #expect(error?.status == 500)
        #expect(error?.message == "out of luck")
    }

    @Test func aFailedChoiceEndsTheStreamWithAnErrorFrame() throws {
        var stream = ResponseStream(
            identity: chatIdentity,
            shape: try chat(#","n":2,"stream":true"#).shape(promptTokens: 1, tokenBytes: tokenBytes))
        _ = stream.frames(for: plainEvents[0], prompt: 0)
        let failure = TokenEvent.finished(choice: 1, reason: .error("x"), stopReason: nil, usage: usage)
        let frames = String(decoding: stream.frames(for: failure, prompt: 0), as: UTF8.self)
        let error = #"{"error":{"message":"x","type":"server_error","param":null,"code":null}}"#
        #expect(frames == "data: \(error)\n\ndata: [DONE]\n\n")
        #expect(stream.isFinished)
        #expect(stream.frames(for: plainEvents[0], prompt: 0).isEmpty)
    }

    @Test func aDeadlineBeforeTheFirstTokenIsAnError() throws {
        let shape = try completion("").shape(promptTokens: [10], promptTexts: [], tokenBytes: tokenBytes)
        var collector = ResponseCollector(identity: completionIdentity, shape: shape)
        let nothing = GenerationUsage.sample(promptTokens: 10, completionTokens: 0, retained: 0)
        collector.add(.finished(choice: 0, reason: .deadline, stopReason: nil, usage: nothing), prompt: 0)
        let error = #expect(throws: APIError.self) { try collector.response() }
        #expect(error?.status == 429)
        #expect(error?.code == "queue_timeout")
        #expect(error?.retryAfterSeconds == 5)
        var told = nothing
        told.retryAfterSeconds = 17
        collector.add(.finished(choice: 0, reason: .deadline, stopReason: nil, usage: told), prompt: 0)
        let later = #expect(throws: APIError.self) { try collector.response(overload: .serviceUnavailable) }
        #expect(later?.status == 503)
        #expect(later?.retryAfterSeconds == 17)
    }
}
