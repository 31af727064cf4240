internal import CompletionAPI
internal import Credentials
internal import HTTPFront
internal import Observability
internal import Synchronization

/// Decides who gets in. Once the server has keys, everything needs one but the probes, paths that do not exist
/// included: what is forgotten here is closed.
final class AccessGate: Sendable {
    private let ledger = KeyLedger()
    private let keys: Mutex<KeyRing?>
    private let failures: Counter
    private let limited: [KeyLimit: Counter]
    private let byteSeconds: NamedCounters
    private let start = ContinuousClock.now

    /// `keys` nil: nobody needs a key.
    init(_ keys: KeyRing?, registry: MetricsRegistry) {
        self.keys = Mutex(keys)
        failures = registry.counter(
            "keyhold_authentication_failures_total", "Requests without a valid API key where one is needed.")
        let family = registry.counter(
            "keyhold_key_limit_rejections_total", "Requests beyond a limit of their API key.",
            labels: [LabelDimension("limit", KeyLimit.self)])
        limited = Dictionary(uniqueKeysWithValues: KeyLimit.allCases.map { ($0, family[$0.rawValue]) })
        byteSeconds = registry.namedCounters(
            "keyhold_kv_byte_seconds_total", "Bytes of KV cache reserved times seconds, by name of the API key.",
            label: "key")
        _ = byteSeconds[APIKey.anonymous]
        for key in keys?.keys ?? [] { _ = byteSeconds[key.name] }
    }

    /// New keys, from the next request on. What open requests and allowances count goes on under the same names.
    func replace(_ keys: KeyRing) {
        self.keys.withLock { $0 = keys }
        for key in keys.keys { _ = byteSeconds[key.name] }
    }

    /// Somebody without a key is turned away.
    var needsKey: Bool { keys.withLock { $0 != nil } }

    /// Routes that answer everybody.
    private static let open: Set<Route> = [.live, .ready, .health]
    /// Routes that show what all keys do.
    private static let administrative: Set<Route> = [.metrics, .status]

    /// Who sent a request, or why it is refused.
    struct Admission {
        var result = Result<Caller, APIError>.success(.anonymous)
        /// What a request that counts hears of its key's limit, admitted or not.
        var headers: [(String, String)] = []
    }

    /// Who sent `exchange`, or the refusal.
    func admit(_ exchange: HTTPExchange, _ match: Route.Match) -> Admission {
        var admission = Admission()
        var counted: APIKey?
        admission.result = Result { () throws(APIError) in try caller(of: exchange, match, counted: &counted) }
        if let standing = counted.flatMap({ ledger.standing(of: $0, now: now) }) {
            admission.headers = RateLimitHeaders.headers(standing)
        }
        return admission
    }

    /// A request that computes or changes something counts against the
    /// limits of its key until the exchange closes.
    private func caller(
        of exchange: HTTPExchange, _ match: Route.Match, counted: inout APIKey?
    ) throws(APIError) -> Caller {
        guard let ring = keys.withLock({ $0 }) else { return .anonymous }
        if case .found(let route, _) = match, Self.open.contains(route) { return .anonymous }
        let token = BearerToken.read(exchange.header("authorization"))
        guard let token, let key = ring.holder(of: token) else {
            failures.increment()
            throw .unauthorized(isKeyPresent: token != nil)
        }
        if let route = match.route, Self.administrative.contains(route), !key.isAdmin {
            throw .forbidden(route.rawValue)
        }
        if case .found = match, !["GET", "HEAD"].contains(exchange.method) {
            counted = key
            try enter(key, exchange)
        }
        return Caller(key, tenantID: ledger.tenant(of: key.name))
    }

    private func enter(_ key: APIKey, _ exchange: HTTPExchange) throws(APIError) {
        let entry: KeyLedger.Entry
        do throws(KeyLimitExceeded) {
            entry = try ledger.enter(key, now: now)
        } catch {
            limited[error.limit]?.increment()
            throw .keyLimitExceeded(
                key: key.name, limit: error.limit.rawValue, allowed: error.allowed,
                retryAfterSeconds: error.retryAfterSeconds)
        }
        exchange.onClosed { [self] _ in ledger.leave(entry, now: now) }
    }

    /// A request of `name` is over; it held so much.
    func charge(_ name: String, byteSeconds cost: Double) { byteSeconds[name].increment(by: max(0, cost)) }

    private var now: Duration { ContinuousClock.now - start }
}
