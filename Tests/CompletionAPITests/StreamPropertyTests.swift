import CompletionAPI
import Generation
import JSON
import TestSupport
import Testing

/// Random events of all choices, interleaved as an engine would deliver them.
private struct RandomRun {
    var events: [(prompt: Int, event: TokenEvent)] = []

    init(prompts: Int, choices: Int, hasLogprobs: Bool, using generator: inout SeededRandom) {
        var left = (0..<prompts * choices).map {
            ($0 / choices, $0 % choices, Int.random(in: 0..<8, using: &generator), 0)
        }
        let pieces = ["a", " b", "é", "\"", "\n", "", "😀", "\u{0}", "\\u", "</s>", "data: [DONE]\n\n"]
        while !left.isEmpty {
            let place = Int.random(in: left.indices, using: &generator)
            var (prompt, choice, remaining, generated) = left[place]
            if remaining == 0 {
                let usage = GenerationUsage.sample(promptTokens: 3, completionTokens: generated, retained: 3)
                events.append((prompt, .finished(choice: choice, reason: .stop, stopReason: nil, usage: usage)))
                left.remove(at: place)
                continue
            }
            remaining -= 1
            generated += 1
            let text = pieces.randomElement(using: &generator) ?? ""
            let token = ReportedToken(
                token: 1, bytes: Array(text.utf8), logprobs: hasLogprobs ? TokenLogprobs(chosen: -1, top: []) : nil)
            events.append(
                (prompt, .text(choice: choice, text: text, tokens: hasLogprobs ? [token] : [], generated: generated)))
            left[place] = (prompt, choice, remaining, generated)
        }
    }
}

@Suite struct StreamPropertyTests {
    @Test(arguments: UInt64(0)..<60)
    func streamedTextIsTheWholeText(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let prompts = Int.random(in: 1...3, using: &generator)
        let choices = Int.random(in: 1...3, using: &generator)
        let echo = Bool.random(using: &generator)
        let hasLogprobs = Bool.random(using: &generator)
        let usage = [
            "", #","stream_options":{"include_usage":true}"#, #","stream_options":{"continuous_usage_stats":true}"#,
        ]
        let texts = (0..<prompts).map { "\"p\($0)\"" }.joined(separator: ",")
        let fields =
            "\"prompt\":[\(texts)],\"n\":\(choices),\"echo\":\(echo),\"logprobs\":\(hasLogprobs ? "1" : "null")"
        let streaming = ",\"stream\":true" + (usage.randomElement(using: &generator) ?? "")
        let request = try CompletionRequest(body: Array("{\(fields)\(streaming)}".utf8))
        let shape = request.shape(
            promptTokens: Array(repeating: 3, count: prompts), promptTexts: (0..<prompts).map { "p\($0)" },
            tokenBytes: tokenBytes)
        var run = RandomRun(prompts: prompts, choices: choices, hasLogprobs: hasLogprobs, using: &generator)
        if echo && hasLogprobs {
            for index in 0..<prompts * choices {
                run.events.insert(
                    (index / choices, .prompt(choice: index % choices, tokens: [ReportedToken(0, nil)])), at: 0)
            }
        }
        try compare(run, shape, key: "text", seed: seed)
    }

    @Test(arguments: UInt64(100)..<140)
    func streamedChatIsTheWholeChat(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let choices = Int.random(in: 1...4, using: &generator)
        let hasLogprobs = Bool.random(using: &generator)
        let body =
            #"{"messages":[{"role":"user","content":"p"}],"n":\#(choices),"logprobs":\#(hasLogprobs),"stream":true}"#
        let shape = try ChatRequest(body: Array(body.utf8)).shape(promptTokens: 3, tokenBytes: tokenBytes)
        let run = RandomRun(prompts: 1, choices: choices, hasLogprobs: hasLogprobs, using: &generator)
        try compare(run, shape, key: "content", seed: seed)
    }

    /// Both answers are parsed again, so this also holds the writer to valid JSON.
    private func compare(_ run: RandomRun, _ shape: ResponseShape, key: String, seed: UInt64) throws {
        let identity = ResponseIdentity(id: "x", created: 1, model: "m", systemFingerprint: nil)
        var stream = ResponseStream(identity: identity, shape: shape)
        var collector = ResponseCollector(identity: identity, shape: shape)
        var bytes = stream.begin()
        for (prompt, event) in run.events {
            bytes += stream.frames(for: event, prompt: prompt)
            collector.add(event, prompt: prompt)
        }
        let frames = bytes.split(separator: UInt8(ascii: "\n")).map { Array($0.dropFirst(6)) }
        guard stream.isFinished, collector.isFinished, frames.last == Array("[DONE]".utf8) else {
            Issue.record("seed \(seed): not finished")
            return
        }
        var texts: [Int: String] = [:]
        for frame in frames.dropLast() {
            let chunk = try JSONValue(parsing: frame, limits: .request).asObject
            for choice in chunk?["choices"]?.asArray ?? [] {
                let members = choice.asObject
                let text = members?["delta"]?.asObject?[key] ?? members?[key]
                texts[members?["index"]?.asInt ?? -1, default: ""] += text?.asString ?? ""
            }
        }
        let whole = try JSONValue(parsing: collector.response(), limits: .request).asObject
        for choice in whole?["choices"]?.asArray ?? [] {
            let members = choice.asObject
            let text = members?["message"]?.asObject?[key] ?? members?[key]
            if text?.asString != texts[members?["index"]?.asInt ?? -1] {
                Issue.record("seed \(seed): \(String(describing: text)) was streamed as \(texts)")
                return
            }
        }
    }
}
