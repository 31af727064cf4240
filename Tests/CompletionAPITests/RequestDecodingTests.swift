import CompletionAPI
import Generation
import JSON
import Testing

private func completion(_ json: String) throws -> CompletionRequest { try CompletionRequest(body: Array(json.utf8)) }
private func chat(_ json: String) throws -> ChatRequest { try ChatRequest(body: Array(json.utf8)) }

@Suite struct CompletionDecodingTests {
    @Test func absentFieldsHaveTheContractsDefaults() throws {
        let request = try completion(#"{"prompt":"Once"}"#)
        #expect(request.model == nil)
        #expect(request.prompts == [.text("Once")])
        #expect(request.echo == false)
        #expect(request.stream == nil)
        #expect(request.seed == nil)
        #expect(request.unknownFields.isEmpty)
        var expected = GenerationRequest(prompt: [])
        expected.stop.maxTokens = 16
        #expect(request.template == expected)
    }

    @Test func nullMeansAbsentForEveryField() throws {
        let fields = [
            "model", "suffix", "max_tokens", "temperature", "top_p", "n", "best_of", "logprobs", "echo", "stop",
            "presence_penalty", "frequency_penalty", "logit_bias", "seed", "stream", "stream_options", "user", "top_k",
            "min_p", "repetition_penalty", "ignore_eos", "min_tokens", "stop_token_ids", "include_stop_str_in_output",
            "skip_special_tokens", "kv_cache", "metadata", "store",
        ]
        let nulls = fields.map { "\"\($0)\":null" }.joined(separator: ",")
        #expect(try completion("{\"prompt\":\"p\",\(nulls)}") == completion(#"{"prompt":"p"}"#))
        let inner = [
            "policy", "budget_ratio", "budget_tokens", "budget_bytes", "recent_ratio", "sink_tokens", "storage",
        ]
        let innerNulls = inner.map { "\"\($0)\":null" }.joined(separator: ",")
        #expect(try completion("{\"prompt\":\"p\",\"kv_cache\":{\(innerNulls)}}") == completion(#"{"prompt":"p"}"#))
    }

    @Test func promptsComeInFourShapes() throws {
        #expect(try completion(#"{"prompt":"a"}"#).prompts == [.text("a")])
        #expect(try completion(#"{"prompt":["a","b"]}"#).prompts == [.text("a"), .text("b")])
        #expect(try completion(#"{"prompt":[1,0,2147483647]}"#).prompts == [.tokens([1, 0, 2_147_483_647])])
        #expect(try completion(#"{"prompt":[[1],[2,3]]}"#).prompts == [.tokens([1]), .tokens([2, 3])])
        #expect(try completion(#"{"prompt":[1,2]}"#).param(ofPrompt: 0) == "prompt")
        #expect(try completion(#"{"prompt":["a","b"]}"#).param(ofPrompt: 1) == "prompt[1]")
    }

    @Test func everyFieldReachesTheRequest() throws {
        let request = try completion(
            #"""
            {"model":"m","prompt":"p","max_tokens":7,"temperature":0,"top_p":0.5,"n":2,"best_of":2,
             "logprobs":3,"echo":true,
             "stop":["a","b"],"presence_penalty":-2,"frequency_penalty":1.5,"logit_bias":{"5":-100,"0":2.5},"seed":-1,
             "stream":true,
             "stream_options":{"include_usage":true,"include_obfuscation":false,"continuous_usage_stats":true},
             "user":"u","top_k":40,"min_p":0.05,"repetition_penalty":1.1,"ignore_eos":true,"min_tokens":2,
             "stop_token_ids":[9],"include_stop_str_in_output":true,"skip_special_tokens":false,
             "kv_cache":{"policy":"keyformer","budget_ratio":0.29,"recent_ratio":0.3,"sink_tokens":4,"storage":"f16",
               "policy_params":{"tau_init":1,"tau_end":2.5,"noise":"fixed","x":true,"y":null}}}
            """#)
        var expected = GenerationRequest(prompt: [])
        expected.choices = 2
        expected.sampling.temperature = 0
        expected.sampling.topP = 0.5
        expected.sampling.topK = 40
        expected.sampling.minP = 0.05
        expected.sampling.presencePenalty = -2
        expected.sampling.frequencyPenalty = 1.5
        expected.sampling.repetitionPenalty = 1.1
        expected.sampling.logitBias = [5: -100, 0: 2.5]
        expected.sampling.seed = .max
        expected.stop.maxTokens = 7
        expected.stop.minTokens = 2
        expected.stop.stopStrings = ["a", "b"]
        expected.stop.stopTokens = [9]
        expected.stop.ignoreEOS = true
        expected.stop.includeStopString = true
        expected.cache.policy = "keyformer"
        expected.cache.budget = .ratio(millionths: 290_000)
        expected.cache.recentRatioMillionths = 300_000
        expected.cache.sinkTokens = 4
        expected.cache.storage = "f16"
        expected.cache.policyParameters = [
            "tau_init": .integer(1), "tau_end": .number(2.5), "noise": .text("fixed"), "x": .flag(true),
        ]
        expected.logprobs = 3
        expected.promptLogprobs = true
        expected.skipSpecialTokens = false
        #expect(request.template == expected)
        #expect(request.model == "m")
        #expect(request.seed == -1)
        #expect(request.echo)
        #expect(request.user == "u")
        #expect(request.stream?.includeUsage == true)
        #expect(request.stream?.continuousUsage == true)
        #expect(request.unknownFields.isEmpty)
    }

    @Test func boundariesOfRangesAreInside() throws {
        let bodies = [
            #""max_tokens":0,"echo":true"#, #""max_tokens":2147483647"#, #""temperature":2"#, #""temperature":0.0"#,
            #""top_p":0"#, #""top_p":1"#, #""n":128"#, #""logprobs":0"#, #""logprobs":20"#, #""top_k":-1"#,
            #""top_k":0"#,
            #""min_p":1"#, #""repetition_penalty":100"#, #""repetition_penalty":0.01"#, #""stop":[]"#,
            #""stop":["a","b","c","d"]"#, #""seed":9223372036854775807"#, #""seed":-9223372036854775808"#,
            #""logit_bias":{}"#, #""logit_bias":{"2147483647":100}"#, #""min_tokens":16"#,
            #""kv_cache":{}"#, #""kv_cache":{"budget_ratio":1}"#, #""kv_cache":{"budget_ratio":0.000001}"#,
            #""kv_cache":{"budget_tokens":1}"#, #""kv_cache":{"budget_bytes":1}"#, #""kv_cache":{"recent_ratio":0}"#,
            #""kv_cache":{"recent_ratio":1.0}"#, #""kv_cache":{"sink_tokens":0}"#, #""kv_cache":{"storage":"f32"}"#,
        ]
        for fields in bodies {
            #expect(throws: Never.self, "\(fields)") { try completion("{\"prompt\":\"p\",\(fields)}") }
        }
        #expect(try completion(#"{"prompt":"p","top_k":-1}"#).template.sampling.topK == 0)
    }

    @Test func budgetsKeepTheirUnit() throws {
        func budget(_ fields: String) throws -> KVBudgetRequest? {
            try completion("{\"prompt\":\"p\",\"kv_cache\":{\(fields)}}").template.cache.budget
        }
        #expect(try budget(#""budget_ratio":1"#) == .ratio(millionths: 1_000_000))
        #expect(try budget(#""budget_ratio":0.3333333"#) == .ratio(millionths: 333_333))
        #expect(try budget(#""budget_tokens":1"#) == .tokens(1))
        #expect(try budget(#""budget_bytes":67108864"#) == .bytes(67_108_864))
        #expect(try budget("") == nil)
        // 249 and 983 millionths come out one too small without rounding.
        for count in Array(1...1000) + [290_000, 999_999] {
            let text = String(count)
            let digits = String(repeating: "0", count: 6 - text.count) + text
            #expect(try budget("\"budget_ratio\":0.\(digits)") == .ratio(millionths: count))
        }
    }

    @Test func unknownFieldsAreListedAndKnownOnesAreNot() throws {
        let request = try completion(
            #"{"prompt":"p","zeta":1,"metadata":{},"store":true,"service_tier":"auto","safety_identifier":"s","#
                + #""prompt_cache_key":"k","cache_salt":"s","alpha":null}"#)
        #expect(request.unknownFields == ["zeta", "alpha"])
        #expect(request.template.cacheSalt == "s")
        let error = APIError.unknownFields(request.unknownFields)
        #expect(error.param == "zeta")
        #expect(error.message.contains("\"alpha\""))
    }

    @Test func tokenIDsAreCheckedAgainstTheVocabulary() throws {
        #expect(try checked(tokens: [0, 99], vocabularySize: 100, param: "prompt") == [0, 99])
        let error = #expect(throws: APIError.self) {
            try checked(tokens: [0, 100], vocabularySize: 100, param: "prompt[3]")
        }
        #expect(error?.param == "prompt[3][1]")
        #expect(error?.message.contains("from 0 to 99, not 100") == true)
        let biased = try completion(#"{"prompt":"p","logit_bias":{"100":1}}"#).template
        let biasError = #expect(throws: APIError.self) { try biased.checkTokenIDs(vocabularySize: 100) }
        #expect(biasError?.param == "logit_bias.100")
        #expect(throws: Never.self) { try biased.checkTokenIDs(vocabularySize: 101) }
        let stopping = try completion(#"{"prompt":"p","stop_token_ids":[1,100]}"#).template
        let stopError = #expect(throws: APIError.self) { try stopping.checkTokenIDs(vocabularySize: 100) }
        #expect(stopError?.param == "stop_token_ids[1]")
    }
}

@Suite struct ChatDecodingTests {
    private let message = #""messages":[{"role":"user","content":"hi"}]"#

    @Test func absentFieldsHaveTheContractsDefaults() throws {
        let request = try chat("{\(message)}")
        #expect(request.messages == [ChatTurn(role: "user", content: "hi", name: nil)])
        #expect(request.template == GenerationRequest(prompt: []))
        #expect(request.stream == nil)
    }

    @Test func nullMeansAbsentForEveryField() throws {
        let fields = [
            "model", "max_tokens", "max_completion_tokens", "logprobs", "top_logprobs", "response_format", "tools",
            "tool_choice", "functions", "function_call", "modalities", "audio", "stop", "stream", "stream_options",
            "kv_cache", "n", "seed", "parallel_tool_calls", "chat_template_kwargs",
        ]
        let nulls = fields.map { "\"\($0)\":null" }.joined(separator: ",")
        #expect(try chat("{\(message),\(nulls)}") == chat("{\(message)}"))
    }

    @Test func contentIsAStringOrTextParts() throws {
        let request = try chat(
            #"""
            {"messages":[{"role":"developer","content":"d"},{"role":"system","content":[{"type":"text","text":"s"}]},
              {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"Ann"},
              {"role":"assistant","content":null,"tool_calls":[],"refusal":null},{"role":"assistant"},
              {"role":"tool","tool_call_id":"c","content":""}]}
            """#)
        #expect(
            request.messages == [
                ChatTurn(role: "system", content: "d", name: nil), ChatTurn(role: "system", content: "s", name: nil),
                ChatTurn(role: "user", content: "a\nb", name: "Ann"),
                ChatTurn(role: "assistant", content: "", name: nil, hasContent: false),
                ChatTurn(role: "assistant", content: "", name: nil, hasContent: false),
                ChatTurn(role: "tool", content: "", name: nil, toolCallID: "c"),
            ])
    }

    @Test func toolsAndTheirCallsReachTheTemplate() throws {
        let tool = #"{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}}"#
        let call = #"{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}"#
        let messages = #"[{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[\#(call)]}]"#
        let request = try chat(
            #"{"messages":\#(messages),"tools":[\#(tool)],"chat_template_kwargs":{"x":[1]},"tool_choice":"auto"}"#)
        let expected = ChatToolCall(id: "c1", name: "f", arguments: "{\"a\":1}")
        #expect(
            request.messages == [
                ChatTurn(
                    role: "assistant", content: "", name: nil, hasContent: false, toolCalls: [expected],
                    reasoning: "hm")
            ])
        #expect(request.tools.first?.asObject?["function"]?.asObject?["name"] == "f")
        #expect(request.templateValues["x"] == [1])
        #expect(request.unknownFields.isEmpty)
        #expect(try chat(#"{"messages":\#(messages),"tools":[\#(tool)],"tool_choice":"none"}"#).tools.isEmpty)
    }

    @Test func bothNamesOfTheTokenLimitWork() throws {
        #expect(try chat("{\(message),\"max_tokens\":5}").template.stop.maxTokens == 5)
        #expect(try chat("{\(message),\"max_completion_tokens\":6}").template.stop.maxTokens == 6)
        #expect(try chat("{\(message),\"max_tokens\":7,\"max_completion_tokens\":7}").template.stop.maxTokens == 7)
    }

    @Test func logprobsAreAFlagWithACount() throws {
        #expect(try chat("{\(message),\"logprobs\":false}").template.logprobs == nil)
        #expect(try chat("{\(message),\"logprobs\":false,\"top_logprobs\":0}").template.logprobs == nil)
        #expect(try chat("{\(message),\"logprobs\":true}").template.logprobs == 0)
        #expect(try chat("{\(message),\"logprobs\":true,\"top_logprobs\":20}").template.logprobs == 20)
    }

    @Test func emptyFormsOfUnsupportedFeaturesAreAccepted() throws {
        let request = try chat(
            "{\(message)"
                + #","tools":[],"functions":[],"tool_choice":"none","function_call":"auto","modalities":["text"],"#
                + #""response_format":{"type":"text"},"parallel_tool_calls":true,"reasoning_effort":"low"}"#)
        #expect(request.unknownFields == ["reasoning_effort"])
    }
}
