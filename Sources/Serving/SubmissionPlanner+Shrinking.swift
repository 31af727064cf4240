internal import Generation
internal import KVCaching

/// Smaller budgets for requests that would rather start than keep everything (`on_pool_full: shrink`).
extension SubmissionPlanner {
    /// The smallest budget of a request that names none.
    static let leastBudgetTokens = 256

    /// What to do with the request when there is no room; a request's own word goes before the server's.
    func choiceWhenFull(_ request: GenerationRequest) -> PoolFullChoice {
        request.cache.onPoolFull ?? configuration.onPoolFull
    }

    /// Slots below which a sequence must not be shrunk: its lanes as they are planned, where these are fewer.
    func leastSlots(_ request: GenerationRequest, _ plan: CachePlan) -> Int {
        min(plan.laneSlots, request.cache.minBudgetTokens ?? Self.leastBudgetTokens)
    }

    /// The plan of the request with another budget.
    func plan(
        _ request: GenerationRequest, maxNewTokens: Int, slots: Int
    ) throws(KVCacheRequestError) -> CachePlan {
        var cache = request.cache
        cache.budget = .tokens(slots)
        return try PolicyTable.plan(
            cache, defaults: configuration.cacheDefaults, promptTokens: request.prompt.count,
            maxNewTokens: maxNewTokens, shape: configuration.cacheShape, usesRoPE: configuration.usesRoPE)
    }

    /// Throws where a request asks to be shrunk and its policy cannot be.
    func checkShrinking(
        _ request: GenerationRequest, _ plan: CachePlan, maxNewTokens: Int
    ) throws(KVCacheRequestError) {
        guard request.cache.onPoolFull == .shrink else { return }
        guard plan.policyName != "full" else {
            throw KVCacheRequestError(
                field: "kv_cache.on_pool_full",
                message: "\"shrink\" needs a policy that can evict, and policy full keeps every token")
        }
        let least = leastSlots(request, plan)
        do throws(KVCacheRequestError) {
            _ = try self.plan(request, maxNewTokens: maxNewTokens, slots: least)
        } catch {
            throw KVCacheRequestError(
                field: "kv_cache.min_budget_tokens", message: "a budget of \(least) is too small: \(error.message)")
        }
    }
}
