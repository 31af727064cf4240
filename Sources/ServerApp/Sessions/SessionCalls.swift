internal import CompletionAPI
internal import Generation
internal import HTTPFront
internal import Serving
internal import SessionFiles

/// `/v1/sessions` and below. The engine thread decides; files are read and written on a thread of their own.
extension ServerApplication {
    /// Whose sessions a client sees.
    func sessionOwner(_ channel: AnswerChannel) -> SessionOwner {
        SessionOwner(name: channel.caller.name, tenant: channel.caller.tenant)
    }

    /// Answers a call about sessions, now or when the engine has.
    func sessionCall(_ route: Route, _ id: String, _ channel: AnswerChannel) {
        do throws(APIError) {
            try startSessionCall(route, id, channel)
        } catch {
            channel.respond(error)
        }
    }

    private func startSessionCall(_ route: Route, _ id: String, _ channel: AnswerChannel) throws(APIError) {
        let model = try serving()
        let (method, body) = (channel.exchange.method, channel.exchange.body)
        if route == .sessions {
            if method == "POST" {
                let body = try SessionBody.creation(body)
                if let name = body.model, name != model.model.name { throw .modelNotFound(name) }
                return try create(body, model.service, channel)
            }
            return try list(model.service, channel)
        }
        guard SessionKey.isID(id) else {
            throw .sessionNotFound("There is no session of that name: names have letters, digits and . _ - alone.")
        }
        channel.report.asked(session: id)
        let key = SessionKey(owner: sessionOwner(channel), id: id)
        switch (route, method) {
        case (.session, "PATCH"): try change(key, try .change(body), model.service, channel)
        case (.session, "DELETE"): try delete(key, model.service, channel)
        case (.sessionFork, _): try fork(key, try .fork(body), model.service, channel)
        case (.sessionSave, _): try save(key, try .save(body), model, channel)
        case (.sessionRestore, _): try restore(key, try .restore(body), model, channel)
        default:
            let showsLayers = try detail(channel.exchange.query)
            try submit(channel) { reply throws(SubmitError) in
                try model.service.session(key) { result in
                    reply(result.map { Self.card($0, showsLayers: showsLayers).body() }, 200)
                }
            }
        }
    }

    /// The query's `detail`.
    private func detail(_ query: String) throws(APIError) -> Bool {
        guard let value = query.split(separator: "&").last(where: { $0.hasPrefix("detail=") })?.dropFirst(7) else {
            return false
        }
        guard value == "layers" else {
            throw .invalidRequest(
                #"detail must be "layers" or absent, not "\#(value.prefix(40))"."#, param: "detail",
                code: "invalid_value")
        }
        return true
    }

    // MARK: Calls

    private func create(
        _ body: SessionBody, _ service: InferenceService, _ channel: AnswerChannel
    ) throws(APIError) {
        var spec = SessionSpec(
            id: try newID(body.id, channel), createdAt: WallClock.secondsSince1970())
        channel.report.asked(session: spec.id)
        spec.cache = body.cache
        spec.timeToLive = body.timeToLiveSeconds.map { .seconds($0) }
        spec.lifetime = body.lifetimeSeconds.map { .seconds($0) }
        spec.metadata = (body.metadata ?? []).map { SavedSession.Entry(key: $0.key, value: $0.value) }
        let owner = sessionOwner(channel)
        try submit(channel) { [spec] reply throws(SubmitError) in
            try service.createSession(spec, owner: owner) { reply($0.map { Self.card($0).body() }, 201) }
        }
    }

    private func list(_ service: InferenceService, _ channel: AnswerChannel) throws(APIError) {
        let owner = sessionOwner(channel)
        try submit(channel) { reply throws(SubmitError) in
            try service.sessions(of: owner) { reply($0.map { SessionCard.list($0.map { Self.card($0) }) }, 200) }
        }
    }

    private func change(
        _ key: SessionKey, _ body: SessionBody, _ service: InferenceService, _ channel: AnswerChannel
    ) throws(APIError) {
        var change = SessionChange()
        change.timeToLive = body.timeToLiveSeconds.map { .seconds($0) }
        change.budget = body.cache.budget
        change.metadata = body.metadata.map { $0.map { SavedSession.Entry(key: $0.key, value: $0.value) } }
        try submit(channel) { [change] reply throws(SubmitError) in
            try service.changeSession(key, change) { reply($0.map { Self.card($0).body() }, 200) }
        }
    }

    private func fork(
        _ key: SessionKey, _ body: SessionBody, _ service: InferenceService, _ channel: AnswerChannel
    ) throws(APIError) {
        var fork = SessionFork(id: try newID(body.id, nil), createdAt: WallClock.secondsSince1970())
        fork.timeToLive = body.timeToLiveSeconds.map { .seconds($0) }
        fork.budget = body.cache.budget
        try submit(channel) { [fork] reply throws(SubmitError) in
            try service.forkSession(key, fork) { reply($0.map { Self.card($0).body() }, 201) }
        }
    }

    private func delete(_ key: SessionKey, _ service: InferenceService, _ channel: AnswerChannel) throws(APIError) {
        try submit(channel) { reply throws(SubmitError) in
            try service.deleteSession(key) { reply($0.map { SessionCard.deleted(key.id) }, 200) }
        }
    }

    // MARK: Files

    private func save(
        _ key: SessionKey, _ body: SessionBody, _ model: ModelService, _ channel: AnswerChannel
    ) throws(APIError) {
        guard let files = model.sessionFiles else { throw .sessionFilesDisabled }
        let name = body.fileName ?? ""
        guard SessionFolder.isName(name) else { throw APIError(SessionFileError.badName(name)) }
        let (service, filing) = (model.service, filing)
        try submit(channel) { reply throws(SubmitError) in
            try service.beginSaving(key) { result in
                guard case .success(let loan) = result else {
                    return reply(result.map { _ in [] }, 200)
                }
                filing.post {
                    do throws(SessionFileError) {
                        // Who hears the answer finds the session idle.
                        let (tokens, bytes) = try loan.use { session throws(SessionFileError) in
                            (session.tokens.count, try files.save(session, as: name))
                        }
                        channel.respond(
                            json: SessionCard.saved(key.id, fileName: name, tokens: tokens, bytes: bytes))
                    } catch {
                        channel.respond(APIError(error))
                    }
                }
            }
        }
    }

    private func restore(
        _ key: SessionKey, _ body: SessionBody, _ model: ModelService, _ channel: AnswerChannel
    ) throws(APIError) {
        guard let files = model.sessionFiles else { throw .sessionFilesDisabled }
        let name = body.fileName ?? ""
        filing.post { [self] in
            do throws(APIError) {
                let saved: SavedSession
                do throws(SessionFileError) {
                    saved = try files.session(named: name)
                } catch {
                    throw APIError(error)
                }
                var spec = SessionSpec(id: key.id, createdAt: WallClock.secondsSince1970())
                spec.timeToLive =
                    body.timeToLiveSeconds.map { .seconds($0) } ?? .milliseconds(saved.timeToLiveMilliseconds)
                spec.metadata = saved.metadata
                try submit(channel) { [spec] reply throws(SubmitError) in
                    try model.service.restoreSession(saved, spec, owner: key.owner) {
                        reply($0.map { Self.card($0).body() }, 201)
                    }
                }
            } catch {
                channel.respond(error)
            }
        }
    }

    // MARK: Answers

    /// Sends a call to the engine; what it replies is written on the answers' thread.
    private func submit(
        _ channel: AnswerChannel,
        _ call: (_ reply: @escaping @Sendable (Result<[UInt8], SessionError>, _ status: Int) -> Void)
            throws(SubmitError) -> Void
    ) throws(APIError) {
        let (answering, overload) = (answering, overload)
        do throws(SubmitError) {
            try call { result, status in
                answering.post {
                    switch result {
                    case .success(let body):
                        channel.respond(status: status, contentType: "application/json", body: body)
                    case .failure(let error):
                        channel.respond(APIError(error, promptParam: "prompt", overload: overload))
                    }
                }
            }
        } catch {
            throw APIError(error, promptParam: "prompt", overload: overload)
        }
    }

    /// The name that the client chose, or a new one. The header lets routers place a session by its name.
    private func newID(_ chosen: String?, _ channel: AnswerChannel?) throws(APIError) -> String {
        let header = channel?.exchange.header("x-session-id")
        if let chosen, let header, chosen != header {
            throw .invalidRequest(
                "id and the header X-Session-ID differ: give one of them, or the same twice.", param: "id",
                code: "invalid_value")
        }
        guard let id = chosen ?? header else { return "sess_" + RandomText.hexadecimal(digits: 24) }
        guard SessionKey.isID(id) else { throw .badSessionID(id, param: "id") }
        return id
    }

    private static func card(_ report: SessionReport, showsLayers: Bool = false) -> SessionCard {
        SessionCard(
            id: report.id, status: report.status.rawValue, created: report.createdAt,
            // Never too early: the clock shows whole seconds.
            expiresAt: WallClock.secondsSince1970() + Int((report.expiresIn / .seconds(1)).rounded(.up)),
            tokens: report.tokens,
            retainedTokens: report.retainedTokens, bytes: report.bytes, cache: report.cache,
            metadata: report.metadata.map { SessionMetadata(key: $0.key, value: $0.value) },
            layers: showsLayers ? report.layers : nil)
    }
}

extension ServerConfiguration.Sessions {
    /// As the service wants them.
    var limits: SessionLimits {
        var limits = SessionLimits()
        limits.most = most
        limits.timeToLive = timeToLive
        limits.longestTimeToLive = longestTimeToLive
        limits.lifetime = lifetime
        return limits
    }
}
