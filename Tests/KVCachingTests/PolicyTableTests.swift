import Generation
import KVCaching
import Kernels
import Tensors
import Testing

@Suite struct PolicyTableTests {
    static let shape = CacheShape(layerCount: 3, kvHeads: 2, queryHeads: 4, headDim: 16, hiddenSize: 64)

    static func request(
        _ policy: String? = nil, _ budget: KVBudgetRequest? = nil, recent: Int? = nil, sinks: Int? = nil,
        storage: String? = nil, parameters: [String: PolicyParameter] = [:]
    ) -> KVCacheRequest {
        var request = KVCacheRequest()
        request.policy = policy
        request.budget = budget
        request.recentRatioMillionths = recent
        request.sinkTokens = sinks
        request.storage = storage
        request.policyParameters = parameters
        return request
    }

    static func plan(
        _ request: KVCacheRequest, defaults: KVCacheRequest = KVCacheRequest(), prompt: Int = 100, new: Int = 20
    ) throws(KVCacheRequestError) -> CachePlan {
        try PolicyTable.plan(
            request, defaults: defaults, promptTokens: prompt, maxNewTokens: new, shape: shape, usesRoPE: true)
    }

    @Test func withoutAnyBudgetTheCacheHoldsEverything() throws {
        let plan = try Self.plan(Self.request())
        #expect(plan.policyName == "keyformer")
        #expect(plan.laneSlots == 119)
        #expect(!plan.canEvict)
        #expect(plan.layout.slotBytes == 2 * 16 * 2 + 4)
    }

    /// KEYFORMER section 3: k = floor(n · percent / 100), w = floor(k · percent / 100), in integers.
    @Test(arguments: [(100, 290_000, 29), (33, 500_000, 16), (7, 100_000, 1), (100, 1_000_000, 100), (1, 500_000, 1)])
    func ratiosAreTakenOfThePromptInIntegers(prompt: Int, millionths: Int, slots: Int) throws {
        #expect(try Self.plan(Self.request("h2o", .ratio(millionths: millionths)), prompt: prompt).budgetSlots == slots)
    }

    @Test func recentShareIsTakenOfTheBudget() throws {
        let plan = try Self.plan(Self.request("keyformer", .tokens(47), recent: 300_000))
        #expect((plan.policy as? KeyformerPolicy)?.selection.recentWindow == 14)
    }

    @Test func byteBudgetsNeverHoldMoreThanTheyPay() throws {
        for bytes in [600, 5_000, 43_199, 43_200, 1 << 20] {
            let plan = try Self.plan(Self.request("keyformer", .bytes(bytes)))
            #expect(plan.steadyBytes <= bytes)
            #expect(plan.budgetBytes <= bytes)
        }
    }

    @Test func aBudgetThatCannotBeReachedIsAFullCache() throws {
        let plan = try Self.plan(Self.request("streaming", .tokens(119)))
        #expect(!plan.canEvict)
        #expect(plan.positions == .original)
        #expect(!plan.layout.isScored)
        #expect(try Self.plan(Self.request("streaming", .tokens(118))).positions == .compact)
    }

    @Test func onlyPromptsOverTheBudgetAreStaged() throws {
        #expect(try Self.plan(Self.request("h2o", .tokens(100))).stagingSlots == 0)
        #expect(try Self.plan(Self.request("h2o", .tokens(99))).stagingSlots == 100)
    }

    @Test(arguments: KVStorage.allCases)
    func compactRoPEKeysAreHeldUnrotatedInF32(storage: KVStorage) throws {
        var request = Self.request("keyformer", .tokens(50), parameters: ["positions": .text("compact")])
        request.storage = storage.rawValue
        let plan = try Self.plan(request)
        #expect(plan.layout.keyStorage == .f32)
        #expect(plan.layout.valueStorage == storage)
    }

    @Test func everyStorageOfTheRequestIsKnown() {
        #expect(KVCacheRequest.storages == KVStorage.allCases.map(\.rawValue))
    }

    /// A budget in bytes counts what the storage takes: more tokens fit where they are smaller.
    @Test(arguments: [(KVStorage.f32, 4 * 32), (.f16, 2 * 32), (.bf16, 2 * 32), (.q8, 34), (.q4, 18)])
    func budgetsInBytesKnowTheStorage(storage: KVStorage, rowBytes: Int) throws {
        #expect(storage.rowBytes(headDim: 32) == rowBytes)
        let shape = CacheShape(layerCount: 3, kvHeads: 2, queryHeads: 4, headDim: 32, hiddenSize: 64)
        // Six lanes of key, value, position and score.
        let slotBytes = 6 * (2 * rowBytes + 8)
        var request = Self.request("h2o", .bytes(20 * slotBytes + slotBytes - 1))
        request.storage = storage.rawValue
        let plan = try PolicyTable.plan(
            request, defaults: KVCacheRequest(), promptTokens: 100, maxNewTokens: 20, shape: shape, usesRoPE: true)
        #expect(plan.laneSlots == 20)
        #expect(plan.steadyBytes == 20 * slotBytes)
    }

    @Test func defaultsOfAnotherPolicyAreNotMixedIn() throws {
        var defaults = Self.request(
            "keyformer", .ratio(millionths: 500_000), recent: 200_000, parameters: ["noise": .text("fixed")])
        defaults.storage = "f32"
        let plan = try Self.plan(Self.request("h2o"), defaults: defaults)
        #expect(plan.budgetSlots == 50)
        #expect(plan.storage == .f32)
        #expect((plan.policy as? H2OPolicy)?.selection.recentWindow == 25)
        let standard = try Self.plan(Self.request(), defaults: defaults).policy as? KeyformerPolicy
        #expect(standard?.noise == .fixed)
        #expect(standard?.selection.recentWindow == 10)
    }

    @Test(arguments: [
        (request("lru"), "kv_cache.policy"),
        (request("full", .tokens(50)), "kv_cache.budget_tokens"),
        (request("full", .ratio(millionths: 500_000)), "kv_cache.budget_ratio"),
        (request("full", .bytes(5_000)), "kv_cache.budget_bytes"),
        (request("h2o", .bytes(10)), "kv_cache.budget_bytes"),
        (request("window", .tokens(9), recent: 300_000), "kv_cache.recent_ratio"),
        (request("full", recent: 1), "kv_cache.recent_ratio"),
        (request("window", .tokens(9), sinks: 2), "kv_cache.sink_tokens"),
        (request("streaming", .tokens(4)), "kv_cache.sink_tokens"),
        (request("keyformer", .tokens(10), recent: 500_000, sinks: 6), "kv_cache.sink_tokens"),
        (request("h2o", .tokens(10), storage: "q2"), "kv_cache.storage"),
        (request("h2o", .tokens(10), parameters: ["tau_init": .number(1)]), "kv_cache.policy_params.tau_init"),
        (request("keyformer", parameters: ["noise": .text("loud")]), "kv_cache.policy_params.noise"),
        (request("keyformer", parameters: ["noise": .flag(true)]), "kv_cache.policy_params.noise"),
        (request("keyformer", parameters: ["tau_init": .number(0)]), "kv_cache.policy_params.tau_init"),
        (request("keyformer", parameters: ["tau_end": .number(.nan)]), "kv_cache.policy_params.tau_end"),
        (request("keyformer", parameters: ["seed": .integer(-1)]), "kv_cache.policy_params.seed"),
        (request("keyformer", parameters: ["seed": .number(1.5)]), "kv_cache.policy_params.seed"),
        (request("keyformer", parameters: ["positions": .text("new")]), "kv_cache.policy_params.positions"),
        (request("keyformer", parameters: ["choose_per": .text("head")]), "kv_cache.policy_params.choose_per"),
        (request("window", parameters: ["choose_per": .text("layer")]), "kv_cache.policy_params.choose_per"),
        (request("h2o", parameters: ["reduce_heads": .text("mean")]), "kv_cache.policy_params.reduce_heads"),
        (request("random", parameters: ["neighbourhood": .integer(65)]), "kv_cache.policy_params.neighbourhood"),
        (request("random", parameters: ["neighbourhood": .integer(-1)]), "kv_cache.policy_params.neighbourhood"),
        (request("h2o", parameters: ["neighbourhood": .number(2)]), "kv_cache.policy_params.neighbourhood"),
        (request("h2o", parameters: ["neighbourhood": .text("2")]), "kv_cache.policy_params.neighbourhood"),
    ])
    func whatCannotBeHonouredNamesItsField(request: KVCacheRequest, field: String) {
        let error = #expect(throws: KVCacheRequestError.self) { try Self.plan(request) }
        #expect(error?.field == field)
    }

    @Test(arguments: ["h2o", "keyformer", "random"])
    func scoringPoliciesTakeTheirPooling(policy: String) throws {
        func pooling(_ parameters: [String: PolicyParameter]) throws -> ScorePooling {
            try Self.plan(Self.request(policy, .tokens(20), parameters: parameters)).policy.pooling
        }
        #expect(try pooling([:]) == ScorePooling())
        let given = try pooling([
            "choose_per": .text("layer"), "reduce_heads": .text("max"), "neighbourhood": .integer(64),
        ])
        #expect(given == ScorePooling(choosePer: .layer, reduceHeads: .max, neighbourhood: 64))
    }

    @Test func seedsUpToTwoToTheSixtyFourAreTaken() throws {
        let request = Self.request("keyformer", parameters: ["seed": .text("18446744073709551615")])
        #expect((try Self.plan(request).policy as? KeyformerPolicy)?.seed == .max)
    }
}
