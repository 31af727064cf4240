import CompletionAPI
import Generation
import TestSupport
import Testing

@Suite struct RequestFuzzTests {
    private let corpus = [
        #"{"model":"m","prompt":"p","max_tokens":7,"temperature":0.5,"n":2,"logprobs":3,"echo":true,"stop":["a","b"]}"#,
        #"{"prompt":[[1,2],[3]],"logit_bias":{"5":-100},"stream":true,"stream_options":{"include_usage":true}}"#,
        #"{"prompt":["a","b"],"kv_cache":{"policy":"x","budget_ratio":0.5,"sink_tokens":4,"policy_params":{"a":1.5}}}"#,
        #"{"prompt":[1,2,3],"kv_cache":{"budget_tokens":8,"storage":"f16"},"min_p":0.1,"top_k":4,"stop_token_ids":[]}"#,
        #"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"logprobs":true,"top_logprobs":2}"#,
        #"{"messages":[{"role":"system","content":"s"},{"role":"assistant","content":null}],"n":5,"tools":[]}"#,
    ].map { Array($0.utf8) }
    private let pieces = [
        "null", "true", "-1", "0", "1e308", "1.5", "9223372036854775807", "\"\"", "\"x\"", "[]", "{}", "[null]",
        "{\"a\":1}", "\"\\u0000\"", "-0.0", "4294967296", ",\"n\":128", ",\"best_of\":1", "[[", "]", "}", "\"",
    ].map { Array($0.utf8) }

    /// Whatever the body: a request within its documented ranges, or an error in the contract's form.
    @Test func mutatedBodiesGiveARequestOrAnError() {
        var generator = SeededRandom(seed: 5)
        let budget = FuzzBudget()
        var accepted = 0
        var refused = 0
        while budget.isLeft {
            let body = mutated(corpus.randomElement(using: &generator) ?? [], using: &generator)
            for complaint in [completionComplaint(body, &accepted, &refused), chatComplaint(body, &accepted, &refused)]
            {
                if let complaint {
                    Issue.record("\(complaint): \(String(decoding: body, as: UTF8.self))")
                    return
                }
            }
        }
        budget.report("requests: \(accepted) decoded, \(refused) refused,")
        #expect(accepted > 100 && refused > 100)
    }

    private func completionComplaint(_ body: [UInt8], _ accepted: inout Int, _ refused: inout Int) -> String? {
        do {
            let request = try CompletionRequest(body: body)
            accepted += 1
            guard !request.prompts.isEmpty, let maxTokens = request.template.stop.maxTokens else { return "no prompt" }
            guard maxTokens > 0 || request.echo else { return "nothing to generate" }
            return complaint(about: request.template)
        } catch {
            refused += 1
            return complaint(about: error)
        }
    }

    private func chatComplaint(_ body: [UInt8], _ accepted: inout Int, _ refused: inout Int) -> String? {
        do {
            let request = try ChatRequest(body: body)
            accepted += 1
            return request.messages.isEmpty ? "no messages" : complaint(about: request.template)
        } catch {
            refused += 1
            return complaint(about: error)
        }
    }

    private func complaint(about template: GenerationRequest) -> String? {
        let sampling = template.sampling
        guard (0...2).contains(sampling.temperature), (0...1).contains(sampling.topP), (0...1).contains(sampling.minP),
            sampling.topK >= 0, (-2...2).contains(sampling.presencePenalty),
            (-2...2).contains(sampling.frequencyPenalty),
            sampling.repetitionPenalty > 0, sampling.repetitionPenalty.isFinite,
            sampling.logitBias.allSatisfy({ $0.key >= 0 && (-100...100).contains($0.value) })
        else { return "sampling out of range" }
        guard (1...128).contains(template.choices), (0...20).contains(template.logprobs ?? 0) else { return "choices" }
        guard template.stop.stopStrings.count <= 4, !template.stop.stopStrings.contains("") else { return "stop" }
        switch template.cache.budget {
        case .ratio(let millionths)? where !(1...1_000_000).contains(millionths): return "ratio"
        case .tokens(let count)?, .bytes(let count)?: return count < 1 ? "budget" : nil
        default: return nil
        }
    }

    private func complaint(about error: APIError) -> String? {
        guard error.status == 400, !error.message.isEmpty, error.message.utf8.count < 600 else {
            return "\(error.status) \(error.message)"
        }
        return (error.param?.utf8.count ?? 0) < 500 ? nil : "long param"
    }

    private func mutated(_ body: [UInt8], using generator: inout SeededRandom) -> [UInt8] {
        var body = body
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0...body.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0 where place < body.count: body[place] = .random(in: 0...255, using: &generator)
            case 1 where place < body.count: body.remove(at: place)
            case 2, 3, 4: replaceValue(in: &body, from: place, using: &generator)
            default: body.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: place)
            }
        }
        return body
    }

    /// Puts something else where a value stands, so that most bodies stay JSON.
    private func replaceValue(in body: inout [UInt8], from place: Int, using generator: inout SeededRandom) {
        let isEnd: (UInt8) -> Bool = { ",]}".utf8.contains($0) }
        guard let colon = body[place...].firstIndex(where: { ":[,".utf8.contains($0) }),
            let end = body[(colon + 1)...].firstIndex(where: isEnd)
        else { return }
        body.replaceSubrange((colon + 1)..<end, with: pieces.randomElement(using: &generator) ?? [])
    }
}
