internal import CompletionAPI
internal import Generation
internal import Serving
internal import Tokenization

/// A request body turned into work: what to generate and how to write the answer.
struct PreparedRequest: Sendable {
    /// One per prompt.
    let requests: [GenerationRequest]
    let identity: ResponseIdentity
    var shape: ResponseShape
    let isStreamed: Bool
    /// The body's field that holds the prompt, for errors.
    let promptParam: String
    let unknownFields: [String]
    /// The session that this is a turn of.
    var session: (id: String, isRebase: Bool)?

    var promptTokens: Int { requests.map(\.prompt.count).reduce(0, +) }
}

/// Body to work, for both endpoints. Pure but for the seed and the time of an answer.
struct RequestPreparation: Sendable {
    let model: LoadedModel
    let strictFields: Bool
    /// The header `X-Session-ID`.
    var sessionHeader: String?

    /// `POST /v1/completions`. A text prompt is the model's raw input: texts of control tokens in it become those
    /// tokens, and BOS comes first where the model wants it. Token ids are taken as they are.
    func completion(_ body: [UInt8]) throws(APIError) -> PreparedRequest {
        let request = try CompletionRequest(body: body)
        try check(model: request.model, unknownFields: request.unknownFields)
        let template = try finished(request.template, seed: request.seed)
        var requests: [GenerationRequest] = []
        var texts: [String] = []
        for (index, prompt) in request.prompts.enumerated() {
            var generation = template
            switch prompt {
            case .text(let text):
                generation.prompt = try encoded(
                    text, maxTokens: template.stop.maxTokens, param: request.param(ofPrompt: index))
                if request.echo { texts.append(text) }
            case .tokens(let tokens):
                generation.prompt = try checked(
                    tokens: tokens, vocabularySize: model.vocabularySize, param: request.param(ofPrompt: index))
                if request.echo { texts.append(decoded(generation.prompt, skipSpecial: template.skipSpecialTokens)) }
            }
            requests.append(generation)
        }
        let shape = request.shape(
            promptTokens: requests.map(\.prompt.count), promptTexts: texts, tokenBytes: tokenBytes)
        let prepared = PreparedRequest(
            requests: requests, identity: identity(prefix: "cmpl-"), shape: shape, isStreamed: request.stream != nil,
            promptParam: "prompt", unknownFields: request.unknownFields)
        return try turn(prepared, request.session)
    }

    /// `POST /v1/chat/completions`. Control tokens come from the template alone; what the client wrote is always text.
    func chat(_ body: [UInt8]) throws(APIError) -> PreparedRequest {
        let request = try ChatRequest(body: body)
        try check(model: request.model, unknownFields: request.unknownFields)
        var generation = try finished(request.template, seed: request.seed)
        do {
            generation.prompt = try model.chatTokens(request)
        } catch let error as TooManyTokens {
            throw tooLong(error, maxTokens: generation.stop.maxTokens, param: "messages")
        } catch let error as ChatFormatError {
            throw .invalidRequest("\(error).", param: error.param, code: error.code)
        } catch {
            throw .invalidRequest("\(error)", param: "messages", code: "invalid_value")
        }
        if !generation.stop.ignoreEOS {
            generation.stop.stopStrings += model.chat.stops.filter { !generation.stop.stopStrings.contains($0) }
        }
        let shape = request.shape(promptTokens: generation.prompt.count, tokenBytes: tokenBytes)
        let prepared = PreparedRequest(
            requests: [generation], identity: identity(prefix: "chatcmpl-"), shape: shape,
            isStreamed: request.stream != nil, promptParam: "messages", unknownFields: request.unknownFields)
        return try turn(prepared, request.session)
    }

    /// The request as a turn of the session that body or header name, if any.
    private func turn(_ request: PreparedRequest, _ reference: SessionReference) throws(APIError) -> PreparedRequest {
        guard let id = try reference.resolved(header: sessionHeader) else { return request }
        guard SessionKey.isID(id) else { throw .badSessionID(id, param: "session_id") }
        try SessionReference.check(request.requests)
        var turn = request
        turn.session = (id, reference.isRebase ?? false)
        turn.shape.sessionID = id
        return turn
    }

    private func check(model name: String?, unknownFields: [String]) throws(APIError) {
        if let name, name != model.name { throw .modelNotFound(name) }
        if strictFields, !unknownFields.isEmpty { throw .unknownFields(unknownFields) }
    }

    private func finished(_ template: GenerationRequest, seed: Int?) throws(APIError) -> GenerationRequest {
        try template.checkTokenIDs(vocabularySize: model.vocabularySize)
        var request = template
        request.sampling.seed = seed.map { UInt64(bitPattern: Int64($0)) } ?? UInt64.random(in: 0 ... .max)
        return request
    }

    /// A prompt far beyond the context is refused by its length: merging megabytes would hold up all other requests.
    private func encoded(_ text: String, maxTokens: Int?, param: String) throws(APIError) -> [TokenID] {
        do throws(TooManyTokens) {
            return try model.tokenizer.encode(
                text, addSpecial: true, parseSpecial: true, limit: model.contextTokens)
        } catch {
            throw tooLong(error, maxTokens: maxTokens, param: param)
        }
    }

    private func tooLong(_ error: TooManyTokens, maxTokens: Int?, param: String) -> APIError {
        .contextLengthExceeded(
            promptTokens: .atLeast(error.fewest), maxTokens: maxTokens, contextLength: model.contextTokens,
            param: param)
    }

    private func decoded(_ tokens: [TokenID], skipSpecial: Bool) -> String {
        model.tokenizer.decode(tokens, skipSpecial: skipSpecial)
    }

    private var tokenBytes: @Sendable (TokenID) -> [UInt8] {
        { [tokenizer = model.tokenizer] in tokenizer.bytes(of: $0) }
    }

    private func identity(prefix: String) -> ResponseIdentity {
        ResponseIdentity(
            id: prefix + RandomText.hexadecimal(digits: 24), created: WallClock.secondsSince1970(), model: model.name,
            systemFingerprint: model.fingerprint)
    }
}
