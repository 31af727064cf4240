internal import Generation
internal import JSON

/// A token with its place in the answer's text.
struct PlacedToken: Sendable {
    /// The token with its bytes and logprobs.
    let token: ReportedToken
    /// Unicode scalars of the text before the token.
    let offset: Int
}

extension ResponseShape {
    /// The value of a choice's `logprobs`, in the endpoint's format; null where none were asked for.
    func writeLogprobs(_ tokens: [PlacedToken], to writer: inout JSONWriter) {
        guard hasLogprobs else { return writer.null() }
        switch endpoint {
        case .completion: writeCompletionLogprobs(tokens, to: &writer)
        case .chat: writeChatLogprobs(tokens, to: &writer)
        }
    }

    /// Four parallel arrays. The first token of a prompt has null logprobs.
    private func writeCompletionLogprobs(_ tokens: [PlacedToken], to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("tokens")
        writer.beginArray()
        for placed in tokens { writer.string(tokenText(placed.token.bytes)) }
        writer.endArray()
        writer.key("token_logprobs")
        writer.beginArray()
        for placed in tokens {
            if let logprob = placed.token.logprobs?.chosen { writer.real(wireLogprob(logprob)) } else { writer.null() }
        }
        writer.endArray()
        writer.key("top_logprobs")
        writer.beginArray()
        for placed in tokens { writeAlternatives(of: placed.token, to: &writer) }
        writer.endArray()
        writer.key("text_offset")
        writer.beginArray()
        for placed in tokens { writer.integer(placed.offset) }
        writer.endArray()
        writer.endObject()
    }

    /// The alternatives by their text and the chosen token where it is not among them. Tokens with equal texts would be
    /// equal keys: the most probable one stands for all.
    private func writeAlternatives(of token: ReportedToken, to writer: inout JSONWriter) {
        guard let logprobs = token.logprobs, let chosen = logprobs.chosen else { return writer.null() }
        var alternatives = logprobs.top.map { (tokenText(tokenBytes($0.token)), $0.logprob) }
        if !logprobs.top.contains(where: { $0.token == token.token }) {
            alternatives.append((tokenText(token.bytes), chosen))
        }
        var written: Set<[UInt8]> = []
        writer.beginObject()
        for (text, logprob) in alternatives where written.insert(Array(text.utf8)).inserted {
            writer.key(text)
            writer.real(wireLogprob(logprob))
        }
        writer.endObject()
    }

    private func writeChatLogprobs(_ tokens: [PlacedToken], to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("content")
        writer.beginArray()
        for placed in tokens {
            writer.beginObject()
            writeChatToken(placed.token.bytes, placed.token.logprobs?.chosen ?? -9999, to: &writer)
            writer.key("top_logprobs")
            writer.beginArray()
            for alternative in placed.token.logprobs?.top ?? [] {
                writer.beginObject()
                writeChatToken(tokenBytes(alternative.token), alternative.logprob, to: &writer)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        writer.key("refusal")
        writer.null()
        writer.endObject()
    }

    private func writeChatToken(_ bytes: [UInt8], _ logprob: Double, to writer: inout JSONWriter) {
        writer.member("token", tokenText(bytes))
        writer.key("logprob")
        writer.real(wireLogprob(logprob))
        writer.key("bytes")
        writer.beginArray()
        for byte in bytes { writer.integer(Int(byte)) }
        writer.endArray()
    }
}
