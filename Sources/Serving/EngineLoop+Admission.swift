internal import Decoding
internal import Generation
internal import KVCaching
internal import Scheduling
internal import Tokenization

/// What becomes of a submission: queued, refused, or fitted into the pool first; and when a refused client hears that
/// it should come back.
extension EngineLoop {
    /// Queues a submission, or says why not.
    func accept(_ given: Submission, isStopping: Bool) {
        var submission = given
        if let turn = given.turn, !isStopping {
            do throws(TurnRefusal) {
                submission.sequences = [try plannedSequence(turn)]
            } catch {
                return refuse(LiveRequest(given), error)
            }
        }
        let request = LiveRequest(submission)
        guard !isStopping, let planned = fitted(submission, request) else {
            if isStopping { reject(request, .stopping) }
            return
        }
        let group = planned.map { admission($0, submission) }
        switch scheduler.submit(group, now: now()) {
        case .queued: break
        case .queueFull(let seconds):
            metrics.rejected(.queueFull)
            let predicted = placeForecast.seconds(now: now(), tenant: 0) {
                scheduler.secondsUntilPlaces(for: group, pace: pace) ?? Double(seconds)
            }
            let told = tell(predicted ?? Double(seconds), need: .places(group.count))
            return reject(request, .queueFull(retryAfterSeconds: told))
        case .neverFits(let needed, let limit):
            return refuse(request, .request(.neverFits(neededBytes: needed, limitBytes: limit)))
        case .groupTooLarge(let sequences, let limit):
            return refuse(request, .request(.tooManySequences(sequences: sequences, limit: limit)))
        }
        requests[request.id] = request
        gathering.arrived(group.count)
        var caches: [ResolvedCache] = []
        for planned in planned {
            if planned.choice == 0 { caches.append(ResolvedCache(planned.plan)) }
            sequences[planned.id] = LiveSequence(
                planned, of: request, tokenizer: tokenizer, submitted: submission.submittedAt)
            if let queueTimeout { startDeadlines.append((planned.id, submission.submittedAt + queueTimeout)) }
            beginTurn(planned, of: request.id)
        }
        outbox.post(.accepted(caches), to: request)
    }

    private func admission(_ planned: PlannedSequence, _ submission: Submission) -> Admission {
        Admission(
            id: planned.id, promptTokens: planned.plan.promptTokens, maxNewTokens: planned.maxNewTokens,
            passesByRows: planned.plan.passesByRows, peakBytes: planned.plan.peakBytes,
            steadyBytes: planned.plan.steadyBytes, deadline: submission.deadline, tenant: submission.terms.tenant,
            priority: submission.terms.priority, heldBytes: planned.turn?.heldBytes ?? 0)
    }

    private func refuse(_ request: LiveRequest, _ refusal: TurnRefusal) {
        switch refusal {
        case .session(let error): reject(request, .session(error))
        case .request(let error):
            if case .neverFits = error { metrics.rejected(.neverFits) }
            reject(request, .unplannable(error))
        }
    }

    private func decide(_ submission: Submission) -> PoolFitting.Decision {
        fitting.decide(submission, in: scheduler, now: now()) { sequences in
            sequences.map { admission($0, submission) }
        }
    }

    /// The sequences as they can be submitted now; nil if they were refused.
    private func fitted(_ submission: Submission, _ request: LiveRequest) -> [PlannedSequence]? {
        grantPrefixes(to: submission)
        // Idle sessions go before anybody is refused or gets less.
        var decision = decide(submission)
        while !decision.isAsPlanned, let session = sessionInTheWay(of: submission) {
            end(session, .lru)
            decision = decide(submission)
        }
        switch decision {
        case .asPlanned: return submission.sequences
        case .shrunk(let sequences):
            metrics.shrunk()
            return sequences
        case .refused:
            metrics.rejected(.poolFull)
            let bytes = submission.sequences.reduce(0) { $0 + $1.startBytes }
            let seconds = startForecast.seconds(now: now(), tenant: submission.terms.tenant.id) {
                scheduler.secondsUntilStart(of: submission.sequences.map { admission($0, submission) }, pace: pace)
            }
            let told = tell(
                seconds ?? 1,
                need: .room(
                    sequences: submission.sequences.count, bytes: bytes, tenant: submission.terms.tenant))
            reject(request, .poolFull(retryAfterSeconds: told))
            return nil
        }
    }

    /// What a refused client hears about when to come back; whether it was right goes into the metrics.
    private func tell(_ seconds: Double, need: RetryPredictions.Need) -> Int {
        let told = Int(min(120, max(1, seconds.rounded(.up))))
        predictions.told(told, need: need, now: now())
        return told
    }

    private func reject(_ request: LiveRequest, _ rejection: Rejection) {
        outbox.post(.rejected(rejection), to: request)
        outbox.close(request)
    }

    /// A prediction for a sequence that has waited too long, just after it left the queue.
    func retryAfterExpiry(of sequence: LiveSequence) -> Int {
        let plan = sequence.planned.plan
        let seconds = startForecast.seconds(now: now(), tenant: 0) {
            let again = Admission(
                id: sequence.id, promptTokens: plan.promptTokens, maxNewTokens: sequence.planned.maxNewTokens,
                passesByRows: plan.passesByRows, peakBytes: plan.peakBytes, steadyBytes: plan.steadyBytes,
                deadline: nil)
            return scheduler.secondsUntilStart(of: [again], pace: pace)
        }
        return Int(min(120, max(1, (seconds ?? 1).rounded(.up))))
    }
}
