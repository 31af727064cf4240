import JSON
import Testing

/// A request that must be refused, and how.
struct BadRequest: Sendable, CustomTestStringConvertible {
    let name: String
    let method: String
    let path: String
    let body: [UInt8]
    let status: Int
    /// `error.param`; nil where no single field is at fault.
    let param: String?
    /// `error.code`, where it is part of the contract.
    let code: String?

    init(
        _ name: String, _ body: String, _ param: String?, code: String? = nil, status: Int = 400,
        path: String = "/v1/completions", method: String = "POST"
    ) {
        self.init(name, bytes: Array(body.utf8), param, code: code, status: status, path: path, method: method)
    }

    init(
        _ name: String, bytes: [UInt8], _ param: String?, code: String? = nil, status: Int = 400,
        path: String = "/v1/completions", method: String = "POST"
    ) {
        (self.name, self.method, self.path, body) = (name, method, path, bytes)
        (self.status, self.param, self.code) = (status, param, code)
    }

    /// One field of an otherwise good completion.
    static func completion(_ field: String, _ value: String, param: String? = nil, code: String? = nil) -> BadRequest {
        BadRequest(
            "\(field): \(value.prefix(60))", #"{"prompt":"Once","\#(field)":\#(value)}"#, param ?? field,
            code: code)
    }

    /// One field of an otherwise good chat request.
    static func chat(_ field: String, _ value: String, param: String? = nil, code: String? = nil) -> BadRequest {
        BadRequest(
            "chat \(field): \(value.prefix(60))",
            #"{"messages":[{"role":"user","content":"Hi"}],"max_tokens":2,"\#(field)":\#(value)}"#, param ?? field,
            code: code, path: "/v1/chat/completions")
    }

    /// One `kv_cache` object.
    static func cache(_ object: String, _ field: String?, code: String? = nil) -> BadRequest {
        .completion("kv_cache", object, param: field.map { "kv_cache.\($0)" } ?? "kv_cache", code: code)
    }

    /// One list of messages.
    static func messages(_ value: String, _ param: String) -> BadRequest {
        BadRequest(
            "messages: \(value.prefix(60))", #"{"messages":\#(value)}"#, param, path: "/v1/chat/completions")
    }

    var testDescription: String { name }
}

extension BadRequest {
    /// Bodies that are no request at all.
    static let broken: [BadRequest] = [
        BadRequest("empty body", "", nil, code: "invalid_json"),
        BadRequest("no JSON", "hello", nil, code: "invalid_json"),
        BadRequest("cut JSON", #"{"prompt":"Once"#, nil, code: "invalid_json"),
        BadRequest("text after JSON", #"{"prompt":"Once"} x"#, nil, code: "invalid_json"),
        BadRequest("trailing comma", #"{"prompt":"Once",}"#, nil, code: "invalid_json"),
        BadRequest("single quotes", "{'prompt':'Once'}", nil, code: "invalid_json"),
        BadRequest("an array", "[1]", nil),
        BadRequest("a string", #""Once""#, nil),
        BadRequest("null", "null", nil),
        BadRequest("duplicate key", #"{"prompt":"a","prompt":"b"}"#, nil, code: "invalid_json"),
        BadRequest("deep nesting", String(repeating: "[", count: 100_000), nil, code: "invalid_json"),
        BadRequest(
            "deep objects",
            #"{"a":"# + String(repeating: #"{"a":"#, count: 500) + "1" + String(repeating: "}", count: 501),
            nil, code: "invalid_json"),
        BadRequest("NaN", #"{"prompt":"Once","temperature":NaN}"#, nil, code: "invalid_json"),
        BadRequest("Infinity", #"{"prompt":"Once","temperature":-Infinity}"#, nil, code: "invalid_json"),
        BadRequest("real overflow", #"{"prompt":"Once","temperature":1e999}"#, nil, code: "invalid_json"),
        BadRequest(
            "integer overflow", #"{"prompt":"Once","max_tokens":99999999999999999999}"#, nil, code: "invalid_json"),
        BadRequest("lone surrogate", #"{"prompt":"\ud800"}"#, nil, code: "invalid_json"),
        BadRequest(
            "broken UTF-8", bytes: Array(#"{"prompt":""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8), nil,
            code: "invalid_json"),
        BadRequest(
            "cut UTF-8", bytes: Array(#"{"prompt":"a"#.utf8) + [0xE2, 0x82] + Array(#""}"#.utf8), nil,
            code: "invalid_json"),
        BadRequest(
            "surrogate in UTF-8", bytes: Array(#"{"prompt":""#.utf8) + [0xED, 0xA0, 0x80] + Array(#""}"#.utf8), nil,
            code: "invalid_json"),
        BadRequest(
            "a raw NUL", bytes: Array(#"{"prompt":"a"#.utf8) + [0] + Array(#""}"#.utf8), nil, code: "invalid_json"),
    ]

    /// Wrong model, prompt or path.
    static let misdirected: [BadRequest] = [
        BadRequest(
            "unknown model", #"{"model":"gpt-4","prompt":"Once"}"#, "model", code: "model_not_found", status: 404),
        BadRequest(
            "unknown model in chat", #"{"model":"gpt-4","messages":[{"role":"user","content":"Hi"}]}"#, "model",
            code: "model_not_found", status: 404, path: "/v1/chat/completions"),
        BadRequest(
            "unknown model by path", "", "model", code: "model_not_found", status: 404, path: "/v1/models/x",
            method: "GET"),
        BadRequest("wrong path", "{}", nil, status: 404, path: "/v1/complete"),
        BadRequest("root", "", nil, status: 404, path: "/", method: "GET"),
        BadRequest("embeddings", "{}", nil, status: 404, path: "/v1/embeddings"),
        BadRequest("GET on completions", "", nil, code: "method_not_allowed", status: 405, method: "GET"),
        BadRequest(
            "DELETE on models", "", nil, code: "method_not_allowed", status: 405, path: "/v1/models", method: "DELETE"),
        BadRequest("POST on health", "{}", nil, code: "method_not_allowed", status: 405, path: "/health"),
        BadRequest("TRACE", "", nil, code: "method_not_allowed", status: 405, method: "TRACE"),
        BadRequest("an invented method", "", nil, code: "method_not_allowed", status: 405, method: "BREW"),
        BadRequest("no prompt", "{}", "prompt", code: "missing_required_parameter"),
        BadRequest("null prompt", #"{"prompt":null}"#, "prompt", code: "missing_required_parameter"),
        BadRequest("empty prompt", #"{"prompt":""}"#, "prompt"),
        BadRequest("empty array", #"{"prompt":[]}"#, "prompt"),
        BadRequest("empty prompt in an array", #"{"prompt":["a",""]}"#, "prompt[1]"),
        BadRequest("empty token list in an array", #"{"prompt":[[1],[]]}"#, "prompt[1]"),
        BadRequest("mixed prompts", #"{"prompt":["a",1]}"#, "prompt[1]"),
        BadRequest("a number as prompt", #"{"prompt":5}"#, "prompt", code: "invalid_type"),
        BadRequest("an object as prompt", #"{"prompt":{}}"#, "prompt", code: "invalid_type"),
        BadRequest("token id too large", #"{"prompt":[1,2048]}"#, "prompt[1]"),
        BadRequest("token id far too large", #"{"prompt":[1,9007199254740993]}"#, "prompt[1]"),
        BadRequest("negative token id", #"{"prompt":[-1]}"#, "prompt[0]"),
        BadRequest("fractional token id", #"{"prompt":[1,1.5]}"#, "prompt[1]"),
        BadRequest("token id too large in a list", #"{"prompt":[[1],[2,99999]]}"#, "prompt[1][1]"),
        BadRequest(
            "prompt longer than the context",
            #"{"prompt":[\#(Array(repeating: "300", count: 4200).joined(separator: ","))]}"#, "prompt",
            code: "context_length_exceeded"),
        BadRequest(
            "prompt and max_tokens longer than the context", #"{"prompt":"Once","max_tokens":4096}"#, "prompt",
            code: "context_length_exceeded"),
        BadRequest(
            "too many sequences",
            #"{"prompt":[\#(Array(repeating: #""a""#, count: 100).joined(separator: ","))],"n":100}"#,
            "prompt"),
    ]

    /// Fields of the wrong type, out of range, or against each other.
    static let fields: [BadRequest] = [
        .completion("model", "5", code: "invalid_type"),
        .completion("max_tokens", "-1"), .completion("max_tokens", "0"), .completion("max_tokens", "1.5"),
        .completion("max_tokens", "\"5\"", code: "invalid_type"), .completion("max_tokens", "true"),
        .completion("max_tokens", "9007199254740993"),
        .completion("temperature", "-0.1"), .completion("temperature", "2.1"), .completion("temperature", "\"hot\""),
        .completion("temperature", "[]"),
        .completion("top_p", "-0.5"), .completion("top_p", "1.01"),
        .completion("top_k", "-2"), .completion("top_k", "0.5"),
        .completion("min_p", "2"), .completion("min_p", "-1"),
        .completion("presence_penalty", "3"), .completion("frequency_penalty", "-2.5"),
        .completion("repetition_penalty", "0"), .completion("repetition_penalty", "\"1\""),
        .completion("n", "0"), .completion("n", "129"), .completion("n", "1.5"),
        .completion("best_of", "5"),
        .completion("logprobs", "21"), .completion("logprobs", "-1"), .completion("logprobs", "true"),
        .completion("echo", "\"yes\""), .completion("stream", "1"), .completion("suffix", "\" end\""),
        .completion("seed", "1.5"), .completion("seed", "\"x\""),
        .completion("stop", "5"), .completion("stop", "[\"a\",\"b\",\"c\",\"d\",\"e\"]"),
        .completion("stop", "[\"\"]", param: "stop[0]"), .completion("stop", "[1]", param: "stop[0]"),
        .completion("stop_token_ids", "[2048]", param: "stop_token_ids[0]"),
        .completion("stop_token_ids", "[\"a\"]", param: "stop_token_ids[0]"),
        .completion("min_tokens", "17"),
        .completion("logit_bias", "{\"x\":1}"), .completion("logit_bias", "{\"5\":101}", param: "logit_bias.5"),
        .completion("logit_bias", "{\"2048\":1}", param: "logit_bias.2048"), .completion("logit_bias", "[]"),
        .completion("stream_options", "{\"include_usage\":true}"), .completion("stream_options", "5"),
        .completion("ignore_eos", "1"), .completion("skip_special_tokens", "0"), .completion("user", "5"),
        .chat("max_completion_tokens", "3"), .chat("max_completion_tokens", "0"),
        .chat("logprobs", "5"), .chat("top_logprobs", "3"), .chat("top_logprobs", "21"),
        .chat("tools", "[{\"type\":\"function\"}]", param: "tools[0].function"), .chat("tool_choice", "\"required\""),
        .chat("response_format", "{\"type\":\"json_object\"}", param: "response_format.type"),
        .messages("[]", "messages"), .messages("null", "messages"), .messages("\"Hi\"", "messages"),
        .messages("[5]", "messages[0]"), .messages("[{\"content\":\"Hi\"}]", "messages[0].role"),
        .messages("[{\"role\":\"king\",\"content\":\"Hi\"}]", "messages[0].role"),
        .messages("[{\"role\":\"user\"}]", "messages[0].content"),
        .messages("[{\"role\":\"user\",\"content\":5}]", "messages[0].content"),
        .messages("[{\"role\":\"user\",\"content\":[]}]", "messages[0].content"),
        .messages(
            "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]",
            "messages[0].content[0].type"),
        .messages("[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", "messages[0].content[0].text"),
    ]

    /// The `kv_cache` object.
    static let caches: [BadRequest] = [
        .cache("5", nil, code: "invalid_type"), .cache("[]", nil), .cache("{\"budget\":5}", "budget"),
        .cache("{\"budgetTokens\":5}", "budgetTokens"),
        .cache("{\"policy\":\"best\"}", "policy"), .cache("{\"policy\":5}", "policy"),
        .cache("{\"policy\":\"\"}", "policy"),
        .cache("{\"budget_tokens\":0}", "budget_tokens"), .cache("{\"budget_tokens\":-5}", "budget_tokens"),
        .cache("{\"budget_tokens\":2.5}", "budget_tokens"), .cache("{\"budget_tokens\":\"all\"}", "budget_tokens"),
        .cache("{\"budget_ratio\":0}", "budget_ratio"), .cache("{\"budget_ratio\":1.1}", "budget_ratio"),
        .cache("{\"budget_ratio\":-1}", "budget_ratio"), .cache("{\"budget_ratio\":\"50%\"}", "budget_ratio"),
        .cache("{\"budget_bytes\":0}", "budget_bytes"), .cache("{\"budget_bytes\":1}", "budget_bytes"),
        .cache("{\"budget_tokens\":8,\"budget_ratio\":0.5}", "budget_tokens"),
        .cache("{\"budget_tokens\":8,\"budget_bytes\":65536}", "budget_bytes"),
        .cache("{\"policy\":\"full\",\"budget_tokens\":1}", "budget_tokens"),
        .cache("{\"recent_ratio\":1.5}", "recent_ratio"), .cache("{\"recent_ratio\":-0.1}", "recent_ratio"),
        .cache("{\"policy\":\"window\",\"recent_ratio\":0.5}", "recent_ratio"),
        .cache("{\"sink_tokens\":-1}", "sink_tokens"),
        .cache("{\"policy\":\"full\",\"sink_tokens\":4}", "sink_tokens"),
        .cache("{\"storage\":\"f64\"}", "storage"), .cache("{\"storage\":16}", "storage"),
        .cache("{\"policy_params\":[]}", "policy_params"),
        .cache("{\"policy_params\":{\"tau\":{}}}", "policy_params.tau"),
        .cache("{\"policy\":\"keyformer\",\"policy_params\":{\"tau\":1}}", "policy_params.tau"),
        .cache("{\"policy\":\"keyformer\",\"policy_params\":{\"tau_init\":0}}", "policy_params.tau_init"),
        .cache("{\"policy\":\"keyformer\",\"policy_params\":{\"noise\":\"loud\"}}", "policy_params.noise"),
        .cache("{\"policy\":\"window\",\"policy_params\":{\"noise\":\"none\"}}", "policy_params.noise"),
    ]
}
