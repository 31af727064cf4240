internal import DequeModule
internal import Generation
internal import Tokenization

/// Makes a sequence's text out of its tokens: detokenizes, looks for stop strings, and keeps each token that is to be
/// reported until its text is out.
///
/// Text may be held back twice: by the detokenizer (half a character) and by the matcher (the beginning of a stop
/// string). A token is reported with the piece that completes its text, so tokens stay in order, none is lost and none
/// comes twice. Tokens whose text a stop string cuts off are reported with the last piece, as vLLM does: there are as
/// many reported tokens as completion tokens.
struct TextAssembler {
    /// What one token released.
    struct Chunk {
        var text = ""
        /// Empty unless tokens are to be reported.
        var tokens: [ReportedToken] = []
        /// The stop string that ended the text.
        var matchedStop: String?

        var isEmpty: Bool { text.isEmpty && tokens.isEmpty }
    }

    private struct HeldToken {
        let token: ReportedToken
        /// Bytes of text up to the token's end; nil while the detokenizer holds a part of it.
        var end: Int?
    }

    private let tokenizer: Tokenizer
    private let isReporting: Bool
    private var detokenizer: StreamingDetokenizer
    private var matcher: StopStringMatcher
    private var held: Deque<HeldToken> = []
    /// Bytes of text that the detokenizer gave.
    private var produced = 0
    /// Bytes of text that went out.
    private var emitted = 0

    init(request: GenerationRequest, tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
        isReporting = request.logprobs != nil
        detokenizer = StreamingDetokenizer(tokenizer, skipSpecial: request.skipSpecialTokens)
        matcher = StopStringMatcher(request.stop.stopStrings, includeStop: request.stop.includeStopString)
    }

    /// Adds a token of the text. Without `mayStop` its text is not searched for stop strings, nor part of a later one.
    mutating func append(_ token: TokenID, logprobs: TokenLogprobs?, mayStop: Bool) -> Chunk {
        let piece = detokenizer.append(token)
        produced += piece.utf8.count
        if isReporting {
            // A piece ends no earlier than every token before this one.
            if !piece.isEmpty { settleHeld() }
            hold(token, logprobs)
            var rest = detokenizer
            if rest.finish().isEmpty { settleHeld() }
        }
        return emit(piece, mayStop: mayStop)
    }

    /// Adds a token that ends the sequence and is no part of its text; `finish` reports it.
    mutating func appendSilent(_ token: TokenID, logprobs: TokenLogprobs?) {
        if isReporting { hold(token, logprobs) }
    }

    /// Gives out all that was held back. No more tokens come.
    mutating func finish(mayStop: Bool) -> Chunk {
        let piece = detokenizer.finish()
        produced += piece.utf8.count
        var chunk = emit(piece, mayStop: mayStop)
        chunk.text += matcher.finish()
        chunk.tokens += held.map(\.token)
        held.removeAll()
        return chunk
    }

    private mutating func hold(_ token: TokenID, _ logprobs: TokenLogprobs?) {
        let reported = ReportedToken(token: token, bytes: tokenizer.bytes(of: token), logprobs: logprobs)
        held.append(HeldToken(token: reported, end: nil))
    }

    private mutating func settleHeld() {
        for index in held.indices.reversed() {
            guard held[index].end == nil else { break }
            held[index].end = produced
        }
    }

    private mutating func emit(_ piece: String, mayStop: Bool) -> Chunk {
        var chunk = Chunk()
        (chunk.text, chunk.matchedStop) = mayStop ? matcher.append(piece) : (piece, nil)
        emitted += chunk.text.utf8.count
        while let first = held.first, let end = first.end, end <= emitted {
            chunk.tokens.append(held.removeFirst().token)
        }
        if chunk.matchedStop != nil {
            chunk.tokens += held.map(\.token)
            held.removeAll()
        }
        return chunk
    }
}
