internal import Generation
internal import KVCaching
internal import Scheduling
internal import SessionFiles

/// Calls about sessions, and their ends.
extension EngineLoop {
    /// Does what is asked, or says why not; then the session is as it was.
    func perform(_ command: SessionCommand, isStopping: Bool) {
        guard !isStopping else { return command.reply(.failure(.stopping)) }
        do throws(SessionError) {
            command.reply(.success(try answer(command.action)))
        } catch {
            command.reply(.failure(error))
        }
    }

    private func answer(_ action: SessionCommand.Action) throws(SessionError) -> SessionCommand.Answer {
        switch action {
        case .create(let spec, let owner): return .session(report(try create(spec, owner)))
        case .list(let owner): return .sessions(sessions.sessions(of: owner).map(report))
        case .inspect(let key): return .session(report(try sessions.session(key)))
        case .change(let key, let change): return .session(report(try self.change(key, change)))
        case .fork(let key, let fork, let id): return .session(report(try self.fork(key, fork, as: id)))
        case .delete(let key):
            try delete(key)
            return .none
        case .beginSaving(let key): return .saved(try beginSaving(key))
        case .endSaving(let key):
            endSaving(key)
            return .none
        case .restore(let saved, let spec, let owner, let id):
            return .session(report(try restore(saved, spec, owner, as: id)))
        }
    }

    // MARK: Making

    private func create(_ spec: SessionSpec, _ owner: SessionOwner) throws(SessionError) -> Session {
        try sessions.checkFree(SessionKey(owner: owner, id: spec.id))
        let cache = PolicyTable.resolved(spec.cache, defaults: configuration.cacheDefaults)
        _ = try idlePlan(cache, history: nil)
        let session = Session(
            spec, owner: owner, cache: cache, timeToLive: try sessions.timeToLive(spec.timeToLive), now: now())
        try place(session)
        return session
    }

    private func fork(_ key: SessionKey, _ fork: SessionFork, as id: SequenceID) throws(SessionError) -> Session {
        let original = try sessions.idleSession(key)
        try sessions.checkFree(SessionKey(owner: key.owner, id: fork.id))
        var cache = original.cache
        if let budget = fork.budget { cache.budget = budget }
        try checkKind(cache, like: original)
        var spec = SessionSpec(id: fork.id, createdAt: fork.createdAt)
        spec.metadata = original.metadata
        spec.lifetime = original.lifetime
        let copy = Session(
            spec, owner: key.owner, cache: cache,
            timeToLive: try sessions.timeToLive(fork.timeToLive ?? original.timeToLive), now: now())
        // Nobody makes room by dropping what is being copied.
        original.use = .saving
        defer { original.use = .idle }
        try makeRoom(for: original.heldBytes, of: key.owner)
        try place(copy)
        if let kept = original.kept {
            engine.fork(kept.sequence, as: id)
            keep(Session.Kept(sequence: id, history: kept.history), tokens: original.tokens, in: copy)
            try shrink(copy)
        }
        return copy
    }

    private func restore(
        _ saved: SavedSession, _ spec: SessionSpec, _ owner: SessionOwner, as id: SequenceID
    ) throws(SessionError) -> Session {
        try sessions.checkFree(SessionKey(owner: owner, id: spec.id))
        let session = Session(
            spec, owner: owner, cache: saved.cache,
            timeToLive: try sessions.timeToLive(spec.timeToLive), now: now())
        guard let image = saved.image else {
            _ = try idlePlan(saved.cache, history: nil)
            guard saved.tokens.isEmpty else { throw .unfit(reason: "it has tokens and no cache") }
            try place(session)
            return session
        }
        let history = CacheHistory(fedTokens: image.fedTokens, slots: image.slots, bytes: image.byteCount)
        let vocabulary = TokenID(configuration.vocabularySize)
        guard saved.tokens.count == image.fedTokens, image.fedTokens <= configuration.contextLength,
            saved.tokens.allSatisfy({ $0 >= 0 && $0 < vocabulary })
        else { throw .unfit(reason: "its tokens are not those that the cache was fed") }
        guard image.slots.count == configuration.cacheShape.layerCount else {
            throw .unfit(reason: "it has \(image.slots.count) layers")
        }
        let plan = try idlePlan(saved.cache, history: history)
        if let fault = image.fault(for: plan) { throw .unfit(reason: fault) }
        try makeRoom(for: image.byteCount, of: owner)
        try place(session)
        let restored = engine.restore(image, as: id, plan: plan)
        keep(Session.Kept(sequence: id, history: restored), tokens: saved.tokens, in: session)
        return session
    }

    /// Puts a new session into the table, perhaps in the place of another one of its owner.
    private func place(_ session: Session) throws(SessionError) {
        if let displaced = try sessions.displaced(by: session.key.owner) { end(displaced, .lru) }
        sessions.insert(session)
    }

    private func keep(_ kept: Session.Kept, tokens: [TokenID], in session: Session) {
        session.kept = kept
        session.tokens = tokens
        scheduler.hold(kept.history.bytes, tenant: session.key.owner.tenant, now: now())
    }

    // MARK: Changing

    private func change(_ key: SessionKey, _ change: SessionChange) throws(SessionError) -> Session {
        let session = change.budget == nil ? try sessions.session(key) : try sessions.idleSession(key)
        let timeToLive = try sessions.timeToLive(change.timeToLive ?? session.timeToLive)
        if let budget = change.budget {
            var cache = session.cache
            cache.budget = budget
            try checkKind(cache, like: session)
            session.cache = cache
            try shrink(session)
        }
        session.timeToLive = timeToLive
        if let metadata = change.metadata { session.metadata = metadata }
        if session.use == .idle { session.lastUsed = now() }
        sessions.noteChange(of: session)
        return session
    }

    /// Evicts what the session's budget has no room for.
    private func shrink(_ session: Session) throws(SessionError) {
        guard let kept = session.kept else { return }
        let plan = try idlePlan(session.cache, history: kept.history)
        let history = engine.shrink(kept.sequence, to: plan)
        scheduler.letGo(kept.history.bytes - history.bytes, tenant: session.key.owner.tenant, now: now())
        session.kept = Session.Kept(sequence: kept.sequence, history: history)
    }

    /// Whether a cache that the session holds can go on under this request: what was never scored cannot be ranked.
    private func checkKind(_ cache: KVCacheRequest, like session: Session) throws(SessionError) {
        let plan = try idlePlan(cache, history: session.kept?.history)
        guard let kept = session.kept else { return }
        let current = try idlePlan(session.cache, history: kept.history)
        guard plan.layout == current.layout, plan.positions == current.positions else {
            throw .badCache(
                KVCacheRequestError(
                    field: "kv_cache",
                    message: "the session began without a budget, so its entries are not what the policy "
                        + "\(plan.policyName) needs to choose among them; begin a session with a budget "
                        + "(budget_ratio 1 evicts nothing until it is lowered)"))
        }
    }

    /// A plan of one token after what is held: for the kind of entries and the slots that a budget allows.
    private func idlePlan(_ cache: KVCacheRequest, history: CacheHistory?) throws(SessionError) -> CachePlan {
        do {
            return try PolicyTable.plan(
                cache, defaults: KVCacheRequest(), promptTokens: 1, maxNewTokens: 1, shape: configuration.cacheShape,
                usesRoPE: configuration.usesRoPE,
                turn: CacheTurn(history: history, mostTokens: configuration.contextLength))
        } catch {
            throw .badCache(error)
        }
    }

    // MARK: Saving

    private func beginSaving(_ key: SessionKey) throws(SessionError) -> SavedSession {
        let session = try sessions.idleSession(key)
        session.use = .saving
        sessions.noteChange(of: session)
        return SavedSession(
            fingerprint: [], id: key.id, tokens: session.tokens, cache: session.cache,
            timeToLiveMilliseconds: Int(session.timeToLive / .milliseconds(1)), metadata: session.metadata,
            image: session.kept.map { engine.image(of: $0.sequence) })
    }

    private func endSaving(_ key: SessionKey) {
        guard let session = sessions.saving(key) else { return }
        session.use = .idle
        session.lastUsed = now()
        sessions.noteChange(of: session)
        if session.isDeleted { end(session, .delete) }
    }

    // MARK: Ends

    private func delete(_ key: SessionKey) throws(SessionError) {
        let session = try sessions.session(key)
        switch session.use {
        case .idle: end(session, .delete)
        case .saving: session.isDeleted = true
        case .turn(let request, _):
            session.isDeleted = true
            if let request = requests[request] { cancel(request) }
        }
    }

    /// The session is no more: what it kept is free when this returns.
    func end(_ session: Session, _ reason: SessionEnd) {
        dropCache(of: session)
        sessions.remove(session, reason)
        metrics.sessions.ended(reason)
    }

    func dropCache(of session: Session) {
        if let kept = session.kept {
            engine.release(kept.sequence)
            scheduler.letGo(kept.history.bytes, tenant: session.key.owner.tenant, now: now())
        }
        (session.kept, session.tokens) = (nil, [])
    }

    func endExpiredSessions() {
        for session in sessions.expired(at: now()) { end(session, .ttl) }
    }

    /// Drops idle sessions, the least recently used first, as long as one of them is in the way of a start.
    func makeRoomForStarts() {
        grantPrefixes()
        while let wish = scheduler.evictionWish {
            let victim = sessions.leastRecentlyUsed { session in
                switch wish {
                case .anyone: session.heldBytes > 0
                case .tenant(let id): session.heldBytes > 0 && session.key.owner.tenant.id == id
                }
            }
            guard let victim else { return }
            end(victim, .lru)
        }
    }

    /// The idle session that goes next so that a request can start at once; nil where that would not do.
    func sessionInTheWay(of submission: Submission) -> Session? {
        let (group, tenant) = (submission.sequences, submission.terms.tenant)
        guard scheduler.statistics.running + group.count <= configuration.limits.maxSequences else { return nil }
        let needed = group.reduce(0) { $0 + $1.startBytes - ($1.turn?.heldBytes ?? 0) }
        let own = Set(group.compactMap { $0.turn?.key })
        let candidates = sessions.idle.filter { $0.heldBytes > 0 && !own.contains($0.key) }
        let mine = candidates.filter { $0.key.owner.tenant.id == tenant.id }
        func sum(_ sessions: [Session]) -> Int { sessions.reduce(0) { $0 + $1.heldBytes } }
        let isTenantFull = !scheduler.mayHold(needed, tenant)
        guard needed <= scheduler.freeBytes + sum(candidates), scheduler.mayHold(needed - sum(mine), tenant) else {
            return nil
        }
        let first = sessions.leastRecentlyUsed { session in
            session.heldBytes > 0 && !own.contains(session.key)
                && (!isTenantFull || session.key.owner.tenant.id == tenant.id)
        }
        return needed > scheduler.freeBytes || isTenantFull ? first : nil
    }

    /// Makes room for a cache that no request runs in: idle sessions go, running and waiting requests do not.
    private func makeRoom(for bytes: Int, of owner: SessionOwner) throws(SessionError) {
        let limit = min(configuration.limits.poolBytes, owner.tenant.mostBytes ?? .max)
        guard bytes <= limit else { throw .neverFits(neededBytes: bytes, limitBytes: limit) }
        while bytes > scheduler.freeBytes || !scheduler.mayHold(bytes, owner.tenant) {
            let isTenantFull = bytes <= scheduler.freeBytes
            let victim = sessions.leastRecentlyUsed { session in
                session.heldBytes > 0 && (!isTenantFull || session.key.owner.tenant.id == owner.tenant.id)
            }
            guard let victim else { throw .poolFull(neededBytes: bytes) }
            end(victim, .lru)
        }
        trimPrefixes(leaving: bytes)
    }

    // MARK: Reports

    private func report(_ session: Session) -> SessionReport {
        let history = session.kept?.history
        return SessionReport(
            id: session.key.id, status: session.use == .idle ? .idle : .busy, createdAt: session.createdAt,
            expiresIn: max(.zero, session.end(mostLifetime: sessions.limits.lifetime) - now()),
            tokens: session.tokens.count, retainedTokens: history?.mostSlots ?? 0, bytes: session.heldBytes,
            cache: session.cache, metadata: session.metadata, layers: history?.slots ?? [])
    }
}
