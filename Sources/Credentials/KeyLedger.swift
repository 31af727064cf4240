internal import Synchronization

/// The limits of a key that are counted in requests.
public enum KeyLimit: String, Sendable, CaseIterable {
    case requestsPerMinute = "requests_per_minute"
    case maxConcurrent = "max_concurrent"
}

/// A request that exceeds a limit of its key.
public struct KeyLimitExceeded: Error, Sendable, Equatable {
    public let limit: KeyLimit
    /// The limit's value.
    public let allowed: Int
    /// When the next request has a chance, at least 1.
    public let retryAfterSeconds: Int
}

/// What each key has used. Goes by name, so that counts outlive a reload that changes a key's limits.
public final class KeyLedger: Sendable {
    /// A request that was let in; give it back with `leave`.
    public struct Entry: Sendable {
        let name: String
        let began: Duration
    }

    private struct Account: Sendable {
        let tenant: Int
        var allowance: RequestAllowance?
        /// When the open requests began, oldest first.
        var open: [Duration] = []
        /// How long requests take, the recent ones counting more; nil before the first has ended.
        var meanDuration: Duration?
    }

    private let accounts = Mutex<[String: Account]>([:])

    public init() {}

    /// A small number for the key's name, from 1, the same as long as the ledger lives.
    public func tenant(of name: String) -> Int {
        accounts.withLock { Self.account(name, in: &$0).tenant }
    }

    /// Requests of the key that are open now.
    public func openCount(_ name: String) -> Int {
        accounts.withLock { $0[name]?.open.count ?? 0 }
    }

    /// Lets a request in, or says which limit it exceeds. One that is refused counts for nothing.
    public func enter(_ key: APIKey, now: Duration) throws(KeyLimitExceeded) -> Entry {
        let refusal = accounts.withLock { accounts -> KeyLimitExceeded? in
            var account = Self.account(key.name, in: &accounts)
            defer { accounts[key.name] = account }
            return Self.enter(key, &account, now)
        }
        if let refusal { throw refusal }
        return Entry(name: key.name, began: now)
    }

    /// What the key has left of its requests per minute; nil where it has no such limit.
    public func standing(of key: APIKey, now: Duration) -> RequestStanding? {
        guard let most = key.requestsPerMinute else { return nil }
        return accounts.withLock { accounts in
            var allowance = accounts[key.name]?.allowance ?? RequestAllowance(perMinute: most, now: now)
            return allowance.standing(perMinute: most, now: now)
        }
    }

    /// The request has ended.
    public func leave(_ entry: Entry, now: Duration) {
        accounts.withLock { accounts in
            guard let index = accounts[entry.name]?.open.firstIndex(of: entry.began) else { return }
            accounts[entry.name]?.open.remove(at: index)
            let took = now - entry.began
            let mean = accounts[entry.name]?.meanDuration ?? took
            accounts[entry.name]?.meanDuration = mean + (took - mean) / 8
        }
    }

    private static func enter(_ key: APIKey, _ account: inout Account, _ now: Duration) -> KeyLimitExceeded? {
        if let most = key.maxConcurrent, account.open.count >= most {
            let age = account.open.first.map { now - $0 } ?? .zero
            return exceeded(.maxConcurrent, most, wait: (account.meanDuration ?? .seconds(1)) - age)
        }
        if let most = key.requestsPerMinute {
            var allowance = account.allowance ?? RequestAllowance(perMinute: most, now: now)
            defer { account.allowance = allowance }
            if let wait = allowance.take(perMinute: most, now: now) {
                return exceeded(.requestsPerMinute, most, wait: wait)
            }
        }
        account.open.append(now)
        return nil
    }

    private static func exceeded(_ limit: KeyLimit, _ allowed: Int, wait: Duration) -> KeyLimitExceeded {
        let seconds = min(max(1, (wait / .seconds(1)).rounded(.up)), 3600)
        return KeyLimitExceeded(limit: limit, allowed: allowed, retryAfterSeconds: Int(seconds))
    }

    private static func account(_ name: String, in accounts: inout [String: Account]) -> Account {
        if let known = accounts[name] { return known }
        let new = Account(tenant: accounts.count + 1)
        accounts[name] = new
        return new
    }
}
