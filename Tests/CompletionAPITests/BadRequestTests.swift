import CompletionAPI
import Testing

/// A body that must be refused: where the fault is, and a word of the message.
private struct BadBody: Sendable, CustomTestStringConvertible {
    let body: String
    let param: String?
    let word: String
    var status = 400

    init(_ body: String, _ param: String?, _ word: String, status: Int = 400) {
        self.body = body
        self.param = param
        self.word = word
        self.status = status
    }

    var testDescription: String { String(body.prefix(100)) }
}

/// Bodies that are no JSON object; the same for both endpoints.
private let unreadable: [BadBody] = [
    BadBody("", nil, "empty"), BadBody("{", nil, "line 1"), BadBody("[]", nil, "an array"), BadBody("1", nil, "not 1"),
    BadBody("\"prompt\"", nil, "object"), BadBody("null", nil, "not null"), BadBody("{\"a\":NaN}", nil, "as JSON"),
    BadBody("{\"a\":1,\"a\":2}", nil, "\"a\" occurs twice"), BadBody("{\"a\":\"\\ud800\"}", nil, "Unicode"),
    BadBody("{\"seed\":9223372036854775808}", nil, "64 bits"), BadBody("{\"temperature\":1e999}", nil, "too large"),
    BadBody("{\"a\":" + String(repeating: "[", count: 100), nil, "64 deep"),
    BadBody("[" + String(repeating: "1,", count: 2 << 20) + "1]", nil, "more than 1048576 values"),
    BadBody("{\"a\": 1}\n{\"b\": 2}", nil, "line 2"), BadBody("prompt=hello&max_tokens=5", nil, "as JSON"),
    BadBody("\"" + String(repeating: "a", count: 16 << 20) + "\"", nil, "too large", status: 413),
]

/// `{"prompt":"p", …}` with these further members.
private let badCompletionFields: [(fields: String, param: String, word: String)] = [
    (#""model":7"#, "model", "string"), (#""max_tokens":-1"#, "max_tokens", "from 0"),
    (#""max_tokens":0"#, "max_tokens", "echo"), (#""max_tokens":1.5"#, "max_tokens", "integer"),
    (#""max_tokens":16.0"#, "max_tokens", "integer"), (#""max_tokens":"16""#, "max_tokens", "\"16\""),
    (#""max_tokens":3000000000"#, "max_tokens", "2147483647"), (#""max_tokens":true"#, "max_tokens", "true"),
    (#""temperature":-0.1"#, "temperature", "from 0 to 2"), (#""temperature":2.1"#, "temperature", "2.1"),
    (#""temperature":"hot""#, "temperature", "\"hot\""), (#""temperature":[1]"#, "temperature", "an array"),
    (#""top_p":1.01"#, "top_p", "from 0 to 1"), (#""top_p":-1"#, "top_p", "-1"),
    (#""n":0"#, "n", "from 1 to 128"), (#""n":129"#, "n", "129"), (#""n":1.0"#, "n", "integer"),
    (#""n":2,"best_of":3"#, "best_of", "equal to n (2)"), (#""best_of":2"#, "best_of", "equal to n (1)"),
    (#""best_of":"1""#, "best_of", "integer"), (#""logprobs":-1"#, "logprobs", "from 0 to 20"),
    (#""logprobs":21"#, "logprobs", "21"), (#""logprobs":true"#, "logprobs", "integer"),
    (#""grammar":"root ::= [ab]""#, "grammar", "not supported"), (#""guided_json":{}"#, "guided_json", "not supported"),
    (#""json_schema":{}"#, "json_schema", "not supported"),
    (#""response_format":{"type":"json_object"}"#, "response_format.type", "allowed: \"text\""),
    (#""echo":"yes""#, "echo", "true or false"), (#""suffix":"end""#, "suffix", "not supported"),
    (#""stop":"""#, "stop", "not empty"), (#""stop":5"#, "stop", "string"),
    (#""stop":["a","b","c","d","e"]"#, "stop", "at most 4"), (#""stop":["a",""]"#, "stop[1]", "not empty"),
    (#""stop":["a","\#(String(repeating: "x", count: 513))"]"#, "stop[1]", "at most 512"),
    (#""stop":["a",null]"#, "stop[1]", "null"), (#""stop":[["a"]]"#, "stop[0]", "an array"),
    (#""presence_penalty":2.5"#, "presence_penalty", "from -2 to 2"),
    (#""presence_penalty":"1""#, "presence_penalty", "number"),
    (#""frequency_penalty":-3"#, "frequency_penalty", "-3"), (#""logit_bias":[1]"#, "logit_bias", "object"),
    (#""logit_bias":{"hello":1}"#, "logit_bias", "\"hello\""), (#""logit_bias":{"-1":1}"#, "logit_bias", "\"-1\""),
    (#""logit_bias":{"01":1}"#, "logit_bias", "\"01\""), (#""logit_bias":{"1":101}"#, "logit_bias.1", "from -100"),
    (#""logit_bias":{"99999999999":1}"#, "logit_bias", "token ids"),
    (#""logit_bias":{"1":"x"}"#, "logit_bias.1", "number"),
    (#""seed":1.5"#, "seed", "integer"), (#""seed":"1""#, "seed", "integer"),
    (#""stream":1"#, "stream", "true or false"),
    (#""stream_options":{}"#, "stream_options", "stream: true"),
    (#""stream":false,"stream_options":{"include_usage":true}"#, "stream_options", "stream: true"),
    (#""stream":true,"stream_options":true"#, "stream_options", "object"),
    (#""stream":true,"stream_options":{"include_usage":1}"#, "stream_options.include_usage", "true or false"),
    (
        #""stream":true,"stream_options":{"continuous_usage_stats":"no"}"#, "stream_options.continuous_usage_stats",
        "\"no\""
    ),
    (#""stream":true,"stream_options":{"include_obfuscation":0}"#, "stream_options.include_obfuscation", "true"),
    (#""user":{}"#, "user", "string"), (#""top_k":-2"#, "top_k", "from -1"), (#""top_k":40.5"#, "top_k", "integer"),
    (#""min_p":1.5"#, "min_p", "from 0 to 1"), (#""repetition_penalty":0"#, "repetition_penalty", "from 0.01"),
    (#""repetition_penalty":-1.1"#, "repetition_penalty", "-1.1"), (#""ignore_eos":0"#, "ignore_eos", "true or false"),
    (#""min_tokens":-1"#, "min_tokens", "from 0"), (#""min_tokens":17"#, "min_tokens", "(16)"),
    (#""stop_token_ids":7"#, "stop_token_ids", "array"), (#""stop_token_ids":[1,-1]"#, "stop_token_ids[1]", "from 0"),
    (#""include_stop_str_in_output":"t""#, "include_stop_str_in_output", "true or false"),
    (#""skip_special_tokens":"f""#, "skip_special_tokens", "true or false"),
    (#""kv_cache":"keyformer""#, "kv_cache", "object"), (#""kv_cache":{"policy":1}"#, "kv_cache.policy", "string"),
    (#""kv_cache":{"policy":""}"#, "kv_cache.policy", "name of a policy"),
    (#""kv_cache":{"budget_ratio":0}"#, "kv_cache.budget_ratio", "above 0"),
    (#""kv_cache":{"budget_ratio":1.1}"#, "kv_cache.budget_ratio", "1.1"),
    (#""kv_cache":{"budget_ratio":-0.5}"#, "kv_cache.budget_ratio", "-0.5"),
    (#""kv_cache":{"budget_ratio":1e-9}"#, "kv_cache.budget_ratio", "0.000001"),
    (#""kv_cache":{"budget_ratio":"50%"}"#, "kv_cache.budget_ratio", "50%"),
    (#""kv_cache":{"budget_tokens":0}"#, "kv_cache.budget_tokens", "from 1"),
    (#""kv_cache":{"budget_tokens":0.5}"#, "kv_cache.budget_tokens", "integer"),
    (#""kv_cache":{"budget_tokens":99999999999}"#, "kv_cache.budget_tokens", "99999999999"),
    (#""kv_cache":{"budget_bytes":0}"#, "kv_cache.budget_bytes", "from 1"),
    (#""kv_cache":{"budget_bytes":"64Mi"}"#, "kv_cache.budget_bytes", "64Mi"),
    (#""kv_cache":{"budget_ratio":0.5,"budget_tokens":9}"#, "kv_cache.budget_tokens", "kv_cache.budget_ratio and"),
    (#""kv_cache":{"budget_tokens":9,"budget_bytes":9}"#, "kv_cache.budget_bytes", "exclude each other"),
    (#""kv_cache":{"recent_ratio":1.5}"#, "kv_cache.recent_ratio", "from 0 to 1"),
    (#""kv_cache":{"recent_ratio":false}"#, "kv_cache.recent_ratio", "false"),
    (#""kv_cache":{"sink_tokens":-1}"#, "kv_cache.sink_tokens", "from 0"),
    (#""kv_cache":{"storage":"f8"}"#, "kv_cache.storage", "one of \"f16\", \"f32\", \"bf16\", \"q8\", \"q4\""),
    (#""kv_cache":{"storage":16}"#, "kv_cache.storage", "string"),
    (#""kv_cache":{"policy_params":[1]}"#, "kv_cache.policy_params", "object"),
    (#""kv_cache":{"policy_params":{"noise":[1]}}"#, "kv_cache.policy_params.noise", "an array"),
    (#""kv_cache":{"policy_params":{"noise":{}}}"#, "kv_cache.policy_params.noise", "an object"),
    (#""kv_cache":{"budget":5}"#, "kv_cache.budget", "not a known field"),
    (#""kv_cache":{"on_pool_empty":"shrink"}"#, "kv_cache.on_pool_empty", "Known: policy"),
    (#""kv_cache":{"on_pool_full":"wait"}"#, "kv_cache.on_pool_full", "one of \"queue\", \"reject\", \"shrink\""),
    (#""kv_cache":{"on_pool_full":1}"#, "kv_cache.on_pool_full", "a string"),
    (#""kv_cache":{"min_budget_tokens":0}"#, "kv_cache.min_budget_tokens", "from 1"),
    (#""priority":1.5"#, "priority", "-1000"), (#""priority":1001"#, "priority", "1000"),
    (#""cache_salt":7"#, "cache_salt", "a string"), (#""cache_salt":"""#, "cache_salt", "1 to 128 bytes"),
]

private let badPrompts: [(fields: String, param: String, word: String)] = [
    (#""model":"m""#, "prompt", "required"), (#""prompt":null"#, "prompt", "required"),
    (#""prompt":"""#, "prompt", "empty"), (#""prompt":[]"#, "prompt", "empty"), (#""prompt":5"#, "prompt", "not 5"),
    (#""prompt":{"text":"a"}"#, "prompt", "an object"), (#""prompt":[""]"#, "prompt[0]", "empty"),
    (#""prompt":["a",1]"#, "prompt[1]", "string"), (#""prompt":[1,"a"]"#, "prompt[1]", "integer"),
    (#""prompt":[1,-5]"#, "prompt[1]", "-5"), (#""prompt":[1,2.0]"#, "prompt[1]", "2.0"),
    (#""prompt":[2147483648]"#, "prompt[0]", "2147483648"), (#""prompt":[[1],[]]"#, "prompt[1]", "empty"),
    (#""prompt":[[1],[2,"x"]]"#, "prompt[1][1]", "\"x\""), (#""prompt":[[1],"x"]"#, "prompt[1]", "\"x\""),
    (#""prompt":[[[1]]]"#, "prompt[0][0]", "an array"), (#""prompt":[null]"#, "prompt[0]", "null"),
    (#""prompt":["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","q"],"n":128"#, "prompt", "2048"),
]

/// `{"messages":[{"role":"user","content":"hi"}], …}` with these further members.
private let badChatFields: [(fields: String, param: String, word: String)] = [
    (#""max_tokens":0"#, "max_tokens", "from 1"), (#""max_completion_tokens":0"#, "max_completion_tokens", "from 1"),
    (#""max_tokens":5,"max_completion_tokens":6"#, "max_completion_tokens", "differ"),
    (#""max_completion_tokens":5,"min_tokens":6"#, "min_tokens", "(5)"),
    (#""logprobs":5"#, "logprobs", "true or false"),
    (#""top_logprobs":5"#, "top_logprobs", "logprobs: true"),
    (#""logprobs":false,"top_logprobs":1"#, "top_logprobs", "logprobs: true"),
    (#""logprobs":true,"top_logprobs":21"#, "top_logprobs", "from 0 to 20"),
    (#""structured_outputs":{"json":{}}"#, "structured_outputs", "not supported"),
    (#""response_format":"json""#, "response_format", "object"),
    (#""response_format":{}"#, "response_format.type", "required"),
    (#""response_format":{"type":"json_object"}"#, "response_format.type", "json_object"),
    (#""response_format":{"type":"json_schema","json_schema":{}}"#, "response_format.type", "not supported"),
    (#""tools":[{"type":"function"}]"#, "tools[0].function", "required"), (#""tools":{}"#, "tools", "array"),
    (#""tools":["x"]"#, "tools[0]", "object"), (#""tools":[{}]"#, "tools[0].type", "required"),
    (#""tools":[{"type":"custom"}]"#, "tools[0].type", "not supported"),
    (#""tools":[{"type":"function","function":{}}]"#, "tools[0].function.name", "required"),
    (
        #""tools":[{"type":"function","function":{"name":"f","parameters":5}}]"#, "tools[0].function.parameters",
        "object"
    ),
    (#""chat_template_kwargs":[]"#, "chat_template_kwargs", "object"),
    (#""tool_choice":"required""#, "tool_choice", "not supported"),
    (#""tool_choice":{"type":"function"}"#, "tool_choice", "not supported"),
    (#""functions":[{}]"#, "functions", "not supported"),
    (#""function_call":{"name":"f"}"#, "function_call", "not supported"),
    (#""modalities":["text","audio"]"#, "modalities[1]", "audio"),
    (#""audio":{"voice":"x"}"#, "audio", "not supported"),
    (#""n":0"#, "n", "from 1"), (#""temperature":3"#, "temperature", "3"), (#""stop":[""]"#, "stop[0]", "empty"),
    (#""kv_cache":{"x":1}"#, "kv_cache.x", "not a known field"),
]

private let badMessages: [(messages: String, param: String, word: String)] = [
    ("null", "messages", "required"), ("[]", "messages", "empty"), ("{}", "messages", "array"),
    (#""hi""#, "messages", "array"), (#"["hi"]"#, "messages[0]", "object"),
    (#"[{"content":"x"}]"#, "messages[0].role", "required"),
    (#"[{"role":1,"content":"x"}]"#, "messages[0].role", "string"),
    (#"[{"role":"boss","content":"x"}]"#, "messages[0].role", "one of system"),
    (#"[{"role":"user"}]"#, "messages[0].content", "required"),
    (#"[{"role":"user","content":null}]"#, "messages[0].content", "required"),
    (#"[{"role":"user","content":5}]"#, "messages[0].content", "not 5"),
    (#"[{"role":"user","content":[]}]"#, "messages[0].content", "at least one"),
    (#"[{"role":"user","content":["x"]}]"#, "messages[0].content[0]", "object"),
    (#"[{"role":"user","content":[{"text":"x"}]}]"#, "messages[0].content[0].type", "required"),
    (#"[{"role":"user","content":[{"type":"text"}]}]"#, "messages[0].content[0].text", "required"),
    (#"[{"role":"user","content":[{"type":"text","text":7}]}]"#, "messages[0].content[0].text", "string"),
    (
        #"[{"role":"user","content":""},{"role":"user","content":[{"type":"text","text":""},{"type":"image_url"}]}]"#,
        "messages[1].content[1].type", "image_url"
    ),
    (#"[{"role":"user","content":[{"type":"input_audio"}]}]"#, "messages[0].content[0].type", "not supported"),
    (#"[{"role":"assistant","tool_calls":{}}]"#, "messages[0].tool_calls", "array"),
    (#"[{"role":"assistant","tool_calls":[5]}]"#, "messages[0].tool_calls[0]", "object"),
    (#"[{"role":"assistant","tool_calls":[{}]}]"#, "messages[0].tool_calls[0].function", "required"),
    (#"[{"role":"assistant","tool_calls":[{"function":{}}]}]"#, "messages[0].tool_calls[0].function.name", "required"),
    (#"[{"role":"assistant","tool_calls":[{"type":"custom"}]}]"#, "messages[0].tool_calls[0].type", "not supported"),
    (
        #"[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{}}}]}]"#,
        "messages[0].tool_calls[0].function.arguments", "string"
    ),
    (#"[{"role":"user","content":"x","tool_calls":[{}]}]"#, "messages[0].tool_calls", "only an assistant"),
    (#"[{"role":"tool","content":"x","tool_call_id":5}]"#, "messages[0].tool_call_id", "string"),
    (#"[{"role":"assistant","content":"","function_call":{}}]"#, "messages[0].function_call", "not supported"),
    (#"[{"role":"user","content":"x","name":5}]"#, "messages[0].name", "string"),
]

@Suite struct BadRequestTests {
    private let completions =
        badCompletionFields.map { BadBody("{\"prompt\":\"p\",\($0.fields)}", $0.param, $0.word) }
        + badPrompts.map { BadBody("{\($0.fields)}", $0.param, $0.word) }
    private let chats =
        badChatFields.map {
            BadBody("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\($0.fields)}", $0.param, $0.word)
        } + badMessages.map { BadBody("{\"messages\":\($0.messages)}", $0.param, $0.word) }

    @Test func badCompletionsNameTheField() {
        for bad in unreadable + completions {
            check(bad) { (body) throws(APIError) in _ = try CompletionRequest(body: body) }
        }
        #expect(completions.count >= 80)
    }

    @Test func badChatsNameTheField() {
        for bad in unreadable + chats {
            check(bad) { (body) throws(APIError) in _ = try ChatRequest(body: body) }
        }
        #expect(chats.count >= 40)
    }

    private func check(_ bad: BadBody, _ decode: ([UInt8]) throws(APIError) -> Void) {
        do {
            try decode(Array(bad.body.utf8))
            Issue.record("accepted: \(bad.testDescription)")
        } catch {
            let isRight =
                error.status == bad.status && error.param == bad.param && error.message.contains(bad.word)
                && error.type == (bad.status == 413 ? "request_too_large" : "invalid_request_error")
                && error.message.utf8.count < 400
                && error.headers.contains { $0.0 == "x-should-retry" && $0.1 == "false" }
            if !isRight {
                Issue.record("\(bad.testDescription): \(error.status) \(error.param ?? "nil"): \(error.message)")
            }
        }
    }

    @Test func brokenUTF8IsRefused() {
        let body = Array("{\"prompt\":\"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8)
        let error = #expect(throws: APIError.self) { try CompletionRequest(body: body) }
        #expect(error?.status == 400)
        #expect(error?.message.contains("UTF-8") == true)
    }

    @Test func errorsDoNotRepeatThePrompt() {
        let long = String(repeating: "secret ", count: 1000)
        let bodies = [#"{"prompt":"p","temperature":"\#(long)"}"#, #"{"prompt":"p","kv_cache":{"\#(long)":1}}"#]
        for body in bodies {
            let error = #expect(throws: APIError.self) { try CompletionRequest(body: Array(body.utf8)) }
            #expect((error?.body().count ?? 1000) < 500)
        }
    }
}
