internal import Generation
internal import KVCaching
internal import Scheduling

/// Turns validated requests into sequences with exact costs, or says why this server cannot run them.
///
/// `max_tokens` against the context, as vLLM does it: without `max_tokens` a sequence may run to the end of the context
/// and needs room for one token; an explicit `max_tokens` that does not fit is an error, never silently lowered.
struct SubmissionPlanner: Sendable {
    let configuration: ServiceConfiguration

    /// The sequences of all requests, prompt by prompt and choice by choice, none larger than `tenant` may ever hold.
    /// `nextID` gives each its identity.
    func sequences(
        of requests: [GenerationRequest], tenant: Tenant = .anonymous, nextID: () -> SequenceID
    ) throws(SubmitError) -> [PlannedSequence] {
        let count = requests.reduce(0) { count, request in
            let (sum, isOverflow) = count.addingReportingOverflow(request.choices)
            return isOverflow ? Int.max : sum
        }
        let limit = configuration.limits.maxQueuedSequences
        guard count <= limit else { throw .tooManySequences(sequences: count, limit: limit) }
        var sequences: [PlannedSequence] = []
        for (index, request) in requests.enumerated() {
            try checkTokens(request.prompt, index: index)
            let maxNewTokens = try maxNewTokens(of: request)
            let plan = try cachePlan(
                of: request.cache, promptTokens: request.prompt.count, maxNewTokens: maxNewTokens, tenant: tenant)
            do throws(KVCacheRequestError) {
                try checkShrinking(request, plan, maxNewTokens: maxNewTokens)
            } catch {
                throw .badCache(error)
            }
            for choice in 0..<request.choices {
                sequences.append(
                    PlannedSequence(
                        id: nextID(), prompt: index, choice: choice, request: request, maxNewTokens: maxNewTokens,
                        plan: plan))
            }
        }
        return sequences
    }

    /// A request that is a turn of a session, as far as it can be checked without the session.
    func turn(
        _ session: SessionTurn, _ request: GenerationRequest, id: SequenceID
    ) throws(SubmitError) -> TurnSubmission {
        try checkTokens(request.prompt, index: 0)
        return TurnSubmission(
            session: session, id: id, request: request, maxNewTokens: try maxNewTokens(of: request))
    }

    private func checkTokens(_ prompt: [TokenID], index: Int) throws(SubmitError) {
        guard !prompt.isEmpty else { throw .emptyPrompt(index: index) }
        let size = configuration.vocabularySize
        if let token = prompt.first(where: { $0 < 0 || $0 >= size }) {
            throw .badToken(token: Int(token), vocabularySize: size)
        }
    }

    private func maxNewTokens(of request: GenerationRequest) throws(SubmitError) -> Int {
        let context = configuration.contextLength
        let room = context - request.prompt.count
        let wanted = request.stop.maxTokens ?? max(1, room)
        guard wanted <= room else {
            throw .contextTooLong(promptTokens: request.prompt.count, maxTokens: wanted, context: context)
        }
        return wanted
    }

    /// What a cache of this kind costs. In a session `promptTokens` are those that it has not seen.
    func cachePlan(
        of request: KVCacheRequest, promptTokens: Int, maxNewTokens: Int, tenant: Tenant, turn: CacheTurn? = nil
    ) throws(SubmitError) -> CachePlan {
        let plan: CachePlan
        do {
            plan = try PolicyTable.plan(
                request, defaults: turn == nil ? configuration.cacheDefaults : KVCacheRequest(),
                promptTokens: promptTokens, maxNewTokens: maxNewTokens, shape: configuration.cacheShape,
                usesRoPE: configuration.usesRoPE, turn: turn)
        } catch {
            throw .badCache(error)
        }
        let needed = max(plan.peakBytes, plan.steadyBytes)
        let limit = min(configuration.limits.poolBytes, tenant.mostBytes ?? .max)
        guard needed <= limit else { throw .neverFits(neededBytes: needed, limitBytes: limit) }
        return plan
    }
}
