internal import Decoding
internal import Generation
internal import KVCaching

/// A budget as a share of what the full cache of the prompt takes in bytes. Every policy gets the same bytes, so one
/// whose slots cost more (scores, unrotated keys) holds fewer tokens.
public struct BudgetShare: Sendable, Equatable, CustomStringConvertible {
    /// In 1...1_000_000.
    public let millionths: Int

    /// The shares of the project's own tables.
    public static let standard = [1_000_000, 750_000, 500_000, 350_000, 250_000, 125_000, 62_500].map(Self.init)

    private init(_ millionths: Int) { self.millionths = millionths }

    /// Percent as decimal text, `12.5`.
    public init(parsing text: String) throws(EvaluationError) {
        guard let percent = Double(text), percent > 0, percent <= 100, percent >= 0.0001 else { throw .badBudget(text) }
        millionths = Int((percent * 10_000).rounded())
    }

    public var percent: Double { Double(millionths) / 10_000 }

    /// Percent without needless decimals.
    public var description: String {
        millionths % 10_000 == 0 ? "\(millionths / 10_000)" : "\(percent)"
    }

    /// The variant's plan for one input. At 100 % nothing is ever evicted, whatever is generated.
    func plan(
        _ variant: PolicyVariant, promptTokens: Int, maxNewTokens: Int, model: ModelConfiguration
    ) throws(EvaluationError) -> CachePlan {
        func plan(_ request: KVCacheRequest) throws(KVCacheRequestError) -> CachePlan {
            try PolicyTable.plan(
                request, defaults: KVCacheRequest(), promptTokens: promptTokens, maxNewTokens: maxNewTokens,
                shape: model.cacheShape, usesRoPE: model.usesRoPE)
        }
        do {
            guard millionths < 1_000_000 else { return try plan(variant.request) }
            var full = KVCacheRequest()
            full.policy = "full"
            let slotBytes = try plan(full).layout.slotBytes
            var request = variant.request
            request.budget = .bytes(
                slotBytes * model.cacheShape.totalSlots(of: max(1, promptTokens * millionths / 1_000_000)))
            return try plan(request)
        } catch {
            throw .refused(policy: variant.label, budget: description, error)
        }
    }
}
