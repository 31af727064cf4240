internal import Decoding
internal import Generation
internal import KVCaching
internal import Scheduling

/// A request as the next turn of a session, before the engine thread has looked at the session.
struct TurnSubmission: Sendable {
    let session: SessionTurn
    let id: SequenceID
    let request: GenerationRequest
    /// What the request asks for, or what the context leaves.
    let maxNewTokens: Int
}

/// What a sequence takes over from its session.
struct PlannedTurn: Sendable {
    let key: SessionKey
    /// The tokens that the cache has not been fed.
    let suffix: [TokenID]
    /// Under which identity the engine keeps the cache of the turns before; nil: there is none.
    let continued: SequenceID?
    /// Its bytes.
    let heldBytes: Int
    /// The tokens that it was fed.
    let fed: [TokenID]
}

/// Why a turn cannot be taken.
enum TurnRefusal: Error {
    case session(SessionError)
    case request(SubmitError)
}

/// Turns of sessions: what of a prompt is new, and what stays when a request ends.
extension EngineLoop {
    /// The sequence of a turn, against what its session holds now. The session stays as it is.
    func plannedSequence(_ turn: TurnSubmission) throws(TurnRefusal) -> PlannedSequence {
        let session: Session
        do {
            session = try sessions.idleSession(turn.session.key, retryAfterSeconds: secondsUntilIdle(turn.session.key))
        } catch {
            throw .session(error)
        }
        let continuation = TokenContinuation(of: session.tokens, by: turn.request.prompt, tokenizer: tokenizer)
        var (suffix, kept) = (continuation.suffix ?? [], session.kept)
        if suffix.isEmpty {
            guard turn.session.mode == .rebase else {
                let held = session.tokens.count
                throw .session(
                    continuation.suffix == nil
                        ? .diverged(held: held, agreeing: continuation.agreeing) : .nothingNew(held: held))
            }
            (suffix, kept) = (turn.request.prompt, nil)
        }
        let fed = kept == nil ? [] : session.tokens
        let room = configuration.contextLength - fed.count - suffix.count
        let maxNewTokens = turn.request.stop.maxTokens ?? min(turn.maxNewTokens, max(1, room))
        guard maxNewTokens <= room else {
            throw .request(
                .contextTooLong(
                    promptTokens: fed.count + suffix.count, maxTokens: maxNewTokens,
                    context: configuration.contextLength))
        }
        let plan: CachePlan
        do throws(SubmitError) {
            plan = try planner.cachePlan(
                of: session.cache, promptTokens: suffix.count, maxNewTokens: maxNewTokens,
                tenant: session.key.owner.tenant,
                turn: CacheTurn(history: kept?.history, mostTokens: configuration.contextLength))
        } catch {
            throw .request(error)
        }
        return PlannedSequence(
            id: turn.id, prompt: 0, choice: 0, request: turn.request, maxNewTokens: maxNewTokens, plan: plan,
            turn: PlannedTurn(
                key: session.key, suffix: suffix, continued: kept?.sequence, heldBytes: kept?.history.bytes ?? 0,
                fed: fed))
    }

    /// The turn waits from now on. A session that begins anew drops what it held.
    func beginTurn(_ planned: PlannedSequence, of request: RequestID) {
        guard let turn = planned.turn, let session = try? sessions.session(turn.key) else { return }
        session.use = .turn(request, planned.id)
        sessions.noteChange(of: session)
        if turn.continued == nil { dropCache(of: session) }
    }

    /// What the session keeps of a sequence that has ended. The scheduler has freed its bytes, and its cache is still
    /// in the engine if it has started.
    func endTurn(_ sequence: LiveSequence, _ reason: FinishReason) {
        guard let turn = sequence.planned.turn else { return }
        guard let session = sessions.session(ofTurn: sequence.id, turn.key) else {
            preconditionFailure("a turn of a session \(turn.key.id) that is not there")
        }
        session.use = .idle
        session.lastUsed = now()
        sessions.noteChange(of: session)
        if sequence.isStarted {
            var isWhole = sequence.isPromptDone
            if case .error = reason { isWhole = false }
            if isWhole {
                let history = engine.keep(sequence.id)
                session.kept = Session.Kept(sequence: sequence.id, history: history)
                session.tokens = Array((turn.fed + turn.suffix + sequence.output).prefix(history.fedTokens))
                scheduler.hold(history.bytes, tenant: session.key.owner.tenant, now: now())
            } else {
                // Some layers have seen tokens that others have not: nothing can go on from there.
                engine.release(sequence.id)
                (session.kept, session.tokens) = (nil, [])
            }
        }
        if session.isDeleted { end(session, .delete) }
    }

    /// A started turn owns the cache that its session kept.
    func turnStarted(_ planned: PlannedSequence) {
        guard let turn = planned.turn else { return }
        sessions.session(ofTurn: planned.id, turn.key)?.kept = nil
    }

    private func secondsUntilIdle(_ key: SessionKey) -> Int {
        guard let session = try? sessions.session(key), case .turn(_, let id) = session.use,
            let sequence = sequences[id]
        else { return 1 }
        // A turn hardly takes much longer than it has taken; nobody waits for more than ten seconds.
        return min(10, max(1, Int((now() - sequence.times.submitted) / .seconds(2))))
    }
}
