public import Generation
internal import Kernels

/// A `kv_cache` object that cannot be honoured: the field and what is allowed.
public struct KVCacheRequestError: Error, Equatable, CustomStringConvertible {
    /// Path in the request body, `kv_cache.budget_tokens`.
    public let field: String
    public let message: String

    public init(field: String, message: String) {
        self.field = field
        self.message = message
    }

    public var description: String { "\(field): \(message)" }
}

/// The eviction policies by name. A new policy is one file with its type and one row here.
public enum PolicyTable {
    /// What a row needs to make its policy.
    struct Ingredients {
        /// w.
        let recentWindow: Int
        let sinkTokens: Int
        var parameters: PolicyParameters
    }

    struct Row {
        let name: String
        /// Share of the budget that is recent where the request does not say, in millionths; nil: the policy has no
        /// such share.
        let defaultRecentMillionths: Int?
        /// Sinks where the request does not say; nil: the policy has none.
        let defaultSinkTokens: Int?
        let defaultPositions: PositionMode
        let make: @Sendable (inout Ingredients) throws(KVCacheRequestError) -> any EvictionPolicy
    }

    static let rows: [Row] = [
        Row(
            name: "full", defaultRecentMillionths: nil, defaultSinkTokens: nil, defaultPositions: .original,
            make: { _ in FullPolicy() }),
        Row(
            name: "window", defaultRecentMillionths: nil, defaultSinkTokens: nil, defaultPositions: .original,
            make: { _ in WindowPolicy(sinkTokens: 0) }),
        Row(
            name: "streaming", defaultRecentMillionths: nil, defaultSinkTokens: 4, defaultPositions: .compact,
            make: { ingredients in WindowPolicy(sinkTokens: ingredients.sinkTokens) }),
        Row(
            name: "h2o", defaultRecentMillionths: 500_000, defaultSinkTokens: 0, defaultPositions: .original,
            make: { ingredients throws(KVCacheRequestError) in
                H2OPolicy(selection: try ingredients.selection())
            }),
        Row(
            name: "keyformer", defaultRecentMillionths: 300_000, defaultSinkTokens: 0, defaultPositions: .original,
            make: { ingredients throws(KVCacheRequestError) in
                KeyformerPolicy(
                    selection: try ingredients.selection(),
                    noise: try ingredients.parameters.choice("noise", of: KeyformerPolicy.Noise.self) ?? .fixed,
                    seed: try ingredients.parameters.seed("seed") ?? 0,
                    tauInit: try ingredients.parameters.positive("tau_init") ?? 1,
                    tauEnd: try ingredients.parameters.positive("tau_end") ?? 2)
            }),
        Row(
            name: "random", defaultRecentMillionths: 300_000, defaultSinkTokens: 4, defaultPositions: .original,
            make: { ingredients throws(KVCacheRequestError) in
                RandomPolicy(
                    selection: try ingredients.selection(), seed: try ingredients.parameters.seed("seed") ?? 0)
            }),
    ]

    /// Names as the API spells them.
    public static var names: [String] { rows.map(\.name) }

    /// Resolves a request for one prompt. Fields that the request leaves out come from `defaults`; without any budget
    /// the cache holds prompt and output whole.
    ///
    /// `turn` is given where the cache is kept. Then `promptTokens` are those that it has not been fed, and a ratio is
    /// one of the whole conversation up to the prompt's end. Under a budget the cache is an evicting one from the first
    /// turn on.
    public static func plan(
        _ request: KVCacheRequest, defaults: KVCacheRequest, promptTokens: Int, maxNewTokens: Int, shape: CacheShape,
        usesRoPE: Bool, turn: CacheTurn? = nil
    ) throws(KVCacheRequestError) -> CachePlan {
        let name = request.policy ?? defaults.policy ?? "keyformer"
        guard let row = rows.first(where: { $0.name == name }) else {
            throw KVCacheRequestError(
                field: "kv_cache.policy",
                message: "\"\(name)\" is unknown; allowed are \(names.joined(separator: ", "))")
        }
        // Defaults that belong to another policy are not mixed in.
        let isDefault = name == (defaults.policy ?? "keyformer")
        var parameters = PolicyParameters(
            request.policyParameters.isEmpty && isDefault ? defaults.policyParameters : request.policyParameters,
            policy: name)
        let positions = try parameters.choice("positions", of: PositionMode.self) ?? row.defaultPositions
        let storage = try storageType(request.storage ?? defaults.storage ?? "f16")
        let history = turn?.history
        let fedTokens = (history?.mostSlots ?? 0) + promptTokens + max(0, maxNewTokens - 1)

        func layout(isScored: Bool) -> SlotLayout {
            SlotLayout(
                headDim: shape.headDim, keyStorage: usesRoPE && positions == .compact ? .f32 : storage,
                valueStorage: storage,
                isScored: isScored)
        }
        let isScoredPolicy = row.defaultRecentMillionths != nil
        let budget = request.budget ?? (name == "full" ? nil : defaults.budget)
        let slots = try budgetSlots(
            budget, promptTokens: (history?.fedTokens ?? 0) + promptTokens, fedTokens: fedTokens, shape: shape,
            slotBytes: layout(isScored: isScoredPolicy).slotBytes)
        if name == "full" && slots < fedTokens {
            throw KVCacheRequestError(
                field: budget.map(fieldName) ?? "kv_cache.policy",
                message: "policy full keeps all \(fedTokens) tokens of prompt and output but the budget is \(slots); "
                    + "name an evicting policy or drop the budget")
        }
        var ingredients = Ingredients(
            recentWindow: try recentWindow(
                request.recentRatioMillionths, isDefault ? defaults.recentRatioMillionths : nil, row: row,
                slots: slots),
            sinkTokens: try sinkTokens(
                request.sinkTokens, isDefault ? defaults.sinkTokens : nil, row: row, slots: slots),
            parameters: parameters)
        if slots < fedTokens { try checkRoom(ingredients, row: row, slots: slots) }
        let policy = try row.make(&ingredients)
        try ingredients.parameters.requireAllUsed()
        // A budget that is never reached is ordinary attention: same positions, same keys, same bits as `full`.
        let mayEvictLater = turn != nil && name != "full" && budget != nil
        let isEvicting = slots < fedTokens || mayEvictLater
        return CachePlan(
            policyName: name, policy: policy, shape: shape,
            layout: isEvicting
                ? layout(isScored: isScoredPolicy)
                : SlotLayout(headDim: shape.headDim, keyStorage: storage, valueStorage: storage, isScored: false),
            storage: storage, positions: isEvicting ? positions : .original, promptTokens: promptTokens,
            plannedTokens: maxNewTokens, budgetSlots: slots, turn: turn)
    }

    /// The request with nothing left to defaults, for a cache that outlives them.
    public static func resolved(_ request: KVCacheRequest, defaults: KVCacheRequest) -> KVCacheRequest {
        let name = request.policy ?? defaults.policy ?? "keyformer"
        let isDefault = name == (defaults.policy ?? "keyformer")
        var resolved = request
        resolved.policy = name
        resolved.budget = request.budget ?? (name == "full" ? nil : defaults.budget)
        resolved.storage = request.storage ?? defaults.storage ?? "f16"
        guard isDefault else { return resolved }
        resolved.recentRatioMillionths = request.recentRatioMillionths ?? defaults.recentRatioMillionths
        resolved.sinkTokens = request.sinkTokens ?? defaults.sinkTokens
        if request.policyParameters.isEmpty { resolved.policyParameters = defaults.policyParameters }
        return resolved
    }

    private static func storageType(_ name: String) throws(KVCacheRequestError) -> KVStorage {
        guard let storage = KVStorage(rawValue: name) else {
            throw KVCacheRequestError(
                field: "kv_cache.storage",
                message: "\"\(name)\" is unknown; allowed are \(KVCacheRequest.storages.joined(separator: ", "))")
        }
        return storage
    }

    private static func fieldName(_ budget: KVBudgetRequest) -> String {
        switch budget {
        case .ratio: "kv_cache.budget_ratio"
        case .tokens: "kv_cache.budget_tokens"
        case .bytes: "kv_cache.budget_bytes"
        }
    }

    /// KEYFORMER section 3: k = floor(n · ratio), in integers, at least 1.
    private static func budgetSlots(
        _ budget: KVBudgetRequest?, promptTokens: Int, fedTokens: Int, shape: CacheShape, slotBytes: Int
    ) throws(KVCacheRequestError) -> Int {
        switch budget {
        case nil: return fedTokens
        case .ratio(1_000_000): return max(1, promptTokens)
        case .ratio(let millionths): return max(1, promptTokens * millionths / 1_000_000)
        case .tokens(let tokens): return max(1, tokens)
        case .bytes(let bytes):
            let slots = shape.slots(fittingTotal: bytes / slotBytes, most: max(1, fedTokens))
            guard slots > 0 else {
                let bytesPerSlot = shape.laneCount * slotBytes
                throw KVCacheRequestError(
                    field: "kv_cache.budget_bytes",
                    message:
                        "\(bytes) bytes hold no token: one slot in every layer and KV head takes \(bytesPerSlot) bytes")
            }
            return slots
        }
    }

    private static func recentWindow(
        _ asked: Int?, _ fallback: Int?, row: Row, slots: Int
    ) throws(KVCacheRequestError) -> Int {
        guard let standard = row.defaultRecentMillionths else {
            guard asked == nil else {
                throw KVCacheRequestError(
                    field: "kv_cache.recent_ratio", message: "policy \(row.name) has no recent window to size")
            }
            return 0
        }
        let (high, low) = slots.multipliedFullWidth(by: asked ?? fallback ?? standard)
        return 1_000_000.dividingFullWidth((high, low)).quotient
    }

    private static func sinkTokens(
        _ asked: Int?, _ fallback: Int?, row: Row, slots: Int
    ) throws(KVCacheRequestError) -> Int {
        guard let standard = row.defaultSinkTokens else {
            guard asked == nil || asked == 0 else {
                throw KVCacheRequestError(
                    field: "kv_cache.sink_tokens", message: "policy \(row.name) keeps no sinks; policy streaming does")
            }
            return 0
        }
        return asked ?? fallback ?? standard
    }

    /// Sinks and recent window must leave the policy a choice: one entry goes per step.
    private static func checkRoom(_ ingredients: Ingredients, row: Row, slots: Int) throws(KVCacheRequestError) {
        let (sinks, recent) = (ingredients.sinkTokens, ingredients.recentWindow)
        guard sinks + recent <= slots, sinks < slots || row.defaultRecentMillionths != nil else {
            throw KVCacheRequestError(
                field: "kv_cache.sink_tokens",
                message: "\(sinks) sinks and \(recent) recent tokens do not fit a budget of \(slots) tokens")
        }
    }
}

extension PolicyTable.Ingredients {
    /// Reads the parameters that all scoring policies have.
    mutating func selection() throws(KVCacheRequestError) -> ScoredSelection {
        ScoredSelection(
            recentWindow: recentWindow, sinkTokens: sinkTokens,
            pooling: ScorePooling(
                choosePer: try parameters.choice("choose_per", of: ScorePooling.Unit.self) ?? .group,
                reduceHeads: try parameters.choice("reduce_heads", of: ScorePooling.HeadReduction.self) ?? .sum,
                neighbourhood: try parameters.integer("neighbourhood", in: ScorePooling.neighbourhoods) ?? 0))
    }
}
