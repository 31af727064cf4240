import CompletionAPI
import Testing

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct APIErrorTests {
    @Test func bodyHasAllFourMembers() {
        let error = APIError.invalidRequest("say \"x\"\n", param: nil, code: nil)
        let body = #"{"error":{"message":"say \"x\"\n","type":"invalid_request_error","param":null,"code":null}}"#
        #expect(text(error.body()) == body)
        #expect(text(error.streamFrames()) == "data: \(body)\n\ndata: [DONE]\n\n")
    }

    @Test func everyReasonHasItsStatusTypeAndCode() {
        let errors: [(APIError, Int, String, String?, String?)] = [
            (.modelNotFound("gpt"), 404, "not_found_error", "model", "model_not_found"),
            (.pathNotFound("/v2"), 404, "not_found_error", nil, nil),
            (.methodNotAllowed("TRACE", allowed: ["POST"]), 405, "invalid_request_error", nil, "method_not_allowed"),
            (.requestTooLarge(limitBytes: 9), 413, "request_too_large", nil, nil),
            (.poolExhausted(retryAfterSeconds: 3), 429, "rate_limit_error", nil, "kv_pool_exhausted"),
            (
                .poolExhausted(retryAfterSeconds: 3, status: .serviceUnavailable), 503, "rate_limit_error", nil,
                "kv_pool_exhausted"
            ),
            (.unavailable("loading", retryAfterSeconds: 5), 503, "service_unavailable", nil, nil),
            (.serverError("broken"), 500, "server_error", nil, nil),
            (
                .contextLengthExceeded(
                    promptTokens: .exactly(90), maxTokens: 20, contextLength: 100, param: "prompt"), 400,
                "invalid_request_error", "prompt", "context_length_exceeded"
            ),
            (
                .budgetUnsatisfiable(neededBytes: 9, limitBytes: 8), 400, "invalid_request_error", "kv_cache",
                "kv_budget_unsatisfiable"
            ),
        ]
        for (error, status, type, param, code) in errors {
            #expect(error.status == status)
            #expect(error.type == type)
            #expect(error.param == param)
            #expect(error.code == code)
        }
    }

    @Test func retriesAreAdvisedOnlyWhereTheyCanHelp() {
        func header(_ error: APIError, _ name: String) -> String? { error.headers.first { $0.0 == name }?.1 }
        #expect(header(.modelNotFound("x"), "x-should-retry") == "false")
        #expect(header(.poolExhausted(retryAfterSeconds: 7), "x-should-retry") == nil)
        #expect(header(.poolExhausted(retryAfterSeconds: 7), "Retry-After") == "7")
        #expect(header(.poolExhausted(retryAfterSeconds: 0), "Retry-After") == "1")
        #expect(header(.poolExhausted(retryAfterSeconds: 9999), "Retry-After") == "120")
        #expect(header(.serverError("x"), "x-should-retry") == nil)
        #expect(header(.unavailable("x", retryAfterSeconds: nil), "Retry-After") == nil)
        #expect(header(.methodNotAllowed("PUT", allowed: ["GET", "HEAD"]), "Allow") == "GET, HEAD")
    }
}

@Suite struct ModelCardTests {
    private let card = ModelCard(
        id: "stories", created: 1, ownedBy: "keyhold", maxModelLength: 2048, kvBytesPerToken: 4096)
    private let json =
        #"{"id":"stories","object":"model","created":1,"owned_by":"keyhold","max_model_len":2048,"#
        + #""kv_bytes_per_token":4096}"#

    @Test func oneModelIsAnObject() { #expect(text(card.body()) == json) }

    @Test func modelsAreAList() {
        #expect(text(ModelCard.list([card])) == "{\"object\":\"list\",\"data\":[\(json)]}")
    }
}
