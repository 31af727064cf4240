import CompletionAPI
import KVCaching
import Serving
import Testing

@testable import ServerApp

/// Each refusal of the service has its status, its field and its code.
@Suite struct ErrorMappingTests {
    private static let submitErrors: [(SubmitError, Int, String?, String?)] = [
        (
            SubmitError.badCache(KVCacheRequestError(field: "kv_cache.policy", message: "no")), 400, "kv_cache.policy",
            "invalid_value"
        ),
        (.emptyPrompt(index: 1), 400, "prompt", "invalid_value"),
        (.badToken(token: 9, vocabularySize: 5), 400, "prompt", "invalid_value"),
        (.contextTooLong(promptTokens: 5, maxTokens: 9, context: 10), 400, "prompt", "context_length_exceeded"),
        (.neverFits(neededBytes: 9, limitBytes: 5), 400, "kv_cache", "kv_budget_unsatisfiable"),
        (.tooManySequences(sequences: 9, limit: 5), 400, "n", "invalid_value"),
        (.inboxFull(retryAfterSeconds: 3), 429, nil, "kv_pool_exhausted"),
        (.draining, 503, nil, nil),
    ]

    @Test(arguments: submitErrors)
    func refusalOfTheService(error: SubmitError, status: Int, param: String?, code: String?) {
        let mapped = APIError(error, promptParam: "prompt", overload: .tooManyRequests)
        #expect(mapped.status == status)
        #expect(mapped.param == param)
        #expect(mapped.code == code)
        #expect(!mapped.message.isEmpty)
    }

    @Test func aRefusedCacheNamesItsFieldInTheSentenceToo() {
        let cause = KVCacheRequestError(field: "kv_cache.policy", message: "no such policy")
        let mapped = APIError(SubmitError.badCache(cause), promptParam: "prompt", overload: .tooManyRequests)
        #expect(mapped.message == "kv_cache.policy: no such policy.")
    }

    @Test func theStatusOfOverloadIsConfigurable() {
        #expect(
            APIError(Rejection.queueFull(retryAfterSeconds: 7), promptParam: "prompt", overload: .serviceUnavailable)
                .status == 503)
        let error = APIError(
            Rejection.queueFull(retryAfterSeconds: 7), promptParam: "prompt", overload: .tooManyRequests)
        #expect(error.status == 429)
        #expect(error.retryAfterSeconds == 7)
        #expect(APIError(Rejection.stopping, promptParam: "prompt", overload: .tooManyRequests).status == 503)
    }

    private static let sessionErrors: [(SessionError, Int, String?, String?)] = [
        (.notFound(id: "s"), 404, "session_id", "session_not_found"),
        (.expired(id: "s", reason: .lru), 404, "session_id", "session_expired"),
        (.busy(id: "s", retryAfterSeconds: 2), 409, "session_id", "session_busy"),
        (.exists(id: "s"), 400, "id", "session_exists"),
        (.diverged(held: 9, agreeing: 3), 400, "messages", "session_diverged"),
        (.nothingNew(held: 9), 400, "messages", "session_diverged"),
        (.tooMany(limit: 2), 429, nil, "too_many_sessions"),
        (.poolFull(neededBytes: 5), 429, nil, "kv_pool_exhausted"),
        (.neverFits(neededBytes: 9, limitBytes: 5), 400, "kv_cache", "kv_budget_unsatisfiable"),
        (.badCache(KVCacheRequestError(field: "kv_cache", message: "no")), 400, "kv_cache", "invalid_value"),
        (.badTimeToLive(seconds: 9, limitSeconds: 5), 400, "ttl", "invalid_value"),
        (.unfit(reason: "no"), 400, "filename", "session_file_invalid"),
        (.stopping, 503, nil, nil),
    ]

    @Test(arguments: sessionErrors)
    func refusalsAboutSessions(error: SessionError, status: Int, param: String?, code: String?) {
        let mapped = APIError(Rejection.session(error), promptParam: "messages", overload: .tooManyRequests)
        #expect(mapped.status == status && mapped.param == param && mapped.code == code)
        #expect(mapped.message.hasSuffix("."))
        // What would fail again is not to be sent again; what is only in use is.
        let isRefusedForGood = mapped.headers.contains { $0 == ("x-should-retry", "false") }
        #expect(isRefusedForGood == [400, 404].contains(status))
        #expect((mapped.retryAfterSeconds != nil) == [409, 429, 503].contains(status))
    }

    @Test(arguments: [
        (400, "invalid_request_error"), (408, "invalid_request_error"), (413, "request_too_large"),
        (431, "invalid_request_error"), (499, "invalid_request_error"), (500, "server_error"),
        (503, "service_unavailable"),
    ])
    func refusalsOfTheFrontSpeakTheApisLanguage(status: Int, type: String) {
        #expect(APIError.refused(status: status, message: "No.", maxBodyBytes: 5).type == type)
    }
}
