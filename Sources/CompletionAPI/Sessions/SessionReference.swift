public import Generation
internal import JSON

/// The session that a completion is a turn of, as the body names it.
public struct SessionReference: Sendable, Equatable {
    /// `session_id`; nil where absent: a header may still name one.
    public let id: String?
    /// `session_mode` is `rebase`: what the session holds may be dropped. nil where absent.
    public let isRebase: Bool?

    init(decoding reader: inout FieldReader) throws(APIError) {
        id = try reader.string("session_id")
        switch try reader.string("session_mode") {
        case nil: isRebase = nil
        case "append": isRebase = false
        case "rebase": isRebase = true
        case let mode?: throw .invalidValue("session_mode", #"one of "append", "rebase""#, given: .string(mode))
        }
    }

    /// The session's name, of the body or of the header `X-Session-ID`; nil where neither names one.
    public func resolved(header: String?) throws(APIError) -> String? {
        if let id, let header, id != header {
            throw .invalidRequest(
                "session_id (\(FieldReader.excerpt(.string(id)))) and the header X-Session-ID "
                    + "(\(FieldReader.excerpt(.string(header)))) differ: give one of them, or the same twice.",
                param: "session_id", code: "invalid_value")
        }
        if let id = id ?? header { return id }
        guard isRebase == nil else {
            throw .invalidRequest(
                "session_mode is allowed only with session_id.", param: "session_mode", code: "invalid_value")
        }
        return nil
    }

    /// Refuses what a turn of a session cannot be: several sequences, a prompt that is scored, a cache of its own.
    public static func check(_ requests: [GenerationRequest]) throws(APIError) {
        guard requests.count == 1 else {
            throw .invalidRequest(
                "A session takes one prompt at a time, not \(requests.count).", param: "prompt", code: "invalid_value")
        }
        guard requests[0].choices == 1 else {
            throw .invalidRequest(
                "n must be 1 in a session, not \(requests[0].choices): fork the session for other continuations.",
                param: "n", code: "invalid_value")
        }
        guard !requests[0].promptLogprobs else {
            throw .invalidRequest(
                "echo with logprobs is not allowed in a session: tokens that it holds are not computed again.",
                param: "echo", code: "invalid_value")
        }
        guard requests[0].cache == KVCacheRequest() else {
            throw .invalidRequest(
                "kv_cache is not allowed in a session, which has its own: give it to POST /v1/sessions, or change its "
                    + "budget with PATCH /v1/sessions/{id}.", param: "kv_cache", code: "invalid_value")
        }
    }
}
