import Testing

@testable import Credentials

/// Limits of a key that are counted in requests.
@Suite struct KeyLedgerTests {
    private func key(_ name: String = "a", perMinute: Int? = nil, concurrent: Int? = nil) -> APIKey {
        var key = APIKey(name: name, digest: KeyDigest(of: name))
        (key.requestsPerMinute, key.maxConcurrent) = (perMinute, concurrent)
        return key
    }

    @Test func aMinutesWorthMayComeAtOnceAndThenSteadily() throws {
        let (ledger, key) = (KeyLedger(), key(perMinute: 6))
        for _ in 0..<6 { _ = try ledger.enter(key, now: .zero) }
        let refusal = #expect(throws: KeyLimitExceeded.self) { try ledger.enter(key, now: .seconds(1)) }
        #expect(refusal == KeyLimitExceeded(limit: .requestsPerMinute, allowed: 6, retryAfterSeconds: 9))
        _ = try ledger.enter(key, now: .seconds(10))
        #expect(throws: KeyLimitExceeded.self) { try ledger.enter(key, now: .seconds(11)) }
        for _ in 0..<6 { _ = try ledger.enter(key, now: .seconds(1000)) }
        #expect(throws: KeyLimitExceeded.self) { try ledger.enter(key, now: .seconds(1000)) }
    }

    @Test func whatIsLeftOfAMinuteIsTold() throws {
        let (ledger, key) = (KeyLedger(), key(perMinute: 6))
        func standing(_ seconds: Int) -> RequestStanding? { ledger.standing(of: key, now: .seconds(seconds)) }
        #expect(standing(0) == RequestStanding(limit: 6, remaining: 6, reset: .zero))
        for _ in 0..<6 { _ = try ledger.enter(key, now: .zero) }
        #expect(standing(0) == RequestStanding(limit: 6, remaining: 0, reset: .seconds(60)))
        #expect(standing(25) == RequestStanding(limit: 6, remaining: 2, reset: .seconds(35)))
        // Asking takes nothing.
        #expect(standing(25)?.remaining == 2)
        #expect(standing(100)?.remaining == 6)
        #expect(ledger.standing(of: self.key(), now: .zero) == nil)
    }

    /// Within any minute at most twice the limit, and on average the limit.
    @Test func theRateHoldsOverAnyLongTime() {
        let (ledger, key) = (KeyLedger(), key(perMinute: 30))
        var taken = 0
        for tick in 0..<36_000 {
            if (try? ledger.enter(key, now: .milliseconds(100 * tick))) != nil { taken += 1 }
        }
        #expect((1800...1830).contains(taken), "\(taken) in an hour")
    }

    @Test func openRequestsAreCountedAndGivenBackOnce() throws {
        let (ledger, key) = (KeyLedger(), key(concurrent: 2))
        let first = try ledger.enter(key, now: .zero)
        _ = try ledger.enter(key, now: .seconds(1))
        #expect(throws: KeyLimitExceeded.self) { try ledger.enter(key, now: .seconds(2)) }
        ledger.leave(first, now: .seconds(10))
        ledger.leave(first, now: .seconds(10))
        #expect(ledger.openCount("a") == 1)
        _ = try ledger.enter(key, now: .seconds(10))
        // Requests take 10 s; the oldest that is open is 9 s old.
        let refusal = #expect(throws: KeyLimitExceeded.self) { try ledger.enter(key, now: .seconds(10)) }
        #expect(refusal == KeyLimitExceeded(limit: .maxConcurrent, allowed: 2, retryAfterSeconds: 1))
        let early = #expect(throws: KeyLimitExceeded.self) { try ledger.enter(key, now: .seconds(5)) }
        #expect(early?.retryAfterSeconds == 6)
    }

    @Test func aRequestRefusedForItsNumberCostsNoAllowance() throws {
        let (ledger, key) = (KeyLedger(), key(perMinute: 2, concurrent: 1))
        let first = try ledger.enter(key, now: .zero)
        for _ in 0..<5 { #expect(throws: KeyLimitExceeded.self) { try ledger.enter(key, now: .zero) } }
        ledger.leave(first, now: .zero)
        _ = try ledger.enter(key, now: .zero)
    }

    @Test func keysDoNotShareLimitsAndNewLimitsKeepTheCounts() throws {
        let ledger = KeyLedger()
        _ = try ledger.enter(key("a", concurrent: 1), now: .zero)
        _ = try ledger.enter(key("b", concurrent: 1), now: .zero)
        #expect(ledger.tenant(of: "a") == 1)
        #expect(ledger.tenant(of: "b") == 2)
        #expect(ledger.tenant(of: "a") == 1)
        #expect(throws: KeyLimitExceeded.self) { try ledger.enter(key("a", concurrent: 1), now: .zero) }
        _ = try ledger.enter(key("a", concurrent: 2), now: .zero)
        #expect(ledger.openCount("a") == 2)
    }
}
