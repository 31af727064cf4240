import Glibc
import Kernels
import Synchronization
import TestSupport
import Testing

@Suite struct ThreadTeamTests {
    /// What a run did: plain memory, which a thread sanitizer watches.
    private final class Record {
        let hits: GuardedArray<Int>
        let perWorker: GuardedArray<Int>

        init(count: Int, threads: Int) {
            hits = GuardedArray(count: count, of: 0)
            perWorker = GuardedArray(count: threads, of: 0)
        }

        func note(_ index: Int, _ worker: Int) {
            unsafe hits.pointer[index] += 1
            unsafe perWorker.pointer[worker] += 1
        }

        /// Nil when each index ran exactly once.
        var brokenRule: String? {
            if let index = hits.values.firstIndex(where: { $0 != 1 }) {
                return "index \(index) ran \(hits.values[index]) times"
            }
            let total = perWorker.values.reduce(0, +)
            return total == hits.count ? nil : "workers noted \(total) of \(hits.count) indices"
        }
    }

    @Test func aMissedAndARepeatedIndexAreFound() {
        let record = Record(count: 3, threads: 1)
        for index in [0, 1, 1] { record.note(index, 0) }
        #expect(record.brokenRule != nil)
        let whole = Record(count: 3, threads: 1)
        for index in 0..<3 { whole.note(index, 0) }
        #expect(whole.brokenRule == nil)
    }

    @Test(arguments: 1...4)
    func everyIndexRunsExactlyOnce(threads: Int) throws {
        let team = try ThreadTeam(threadCount: threads)
        var findings = Findings()
        for count in 0...1000 {
            let record = Record(count: count, threads: threads)
            team.run(count: count) { index, worker in record.note(index, worker) }
            if let broken = record.brokenRule {
                findings.require(false, "\(threads) threads, count \(count): \(broken)")
            }
        }
        team.stop()
        findings.record()
    }

    @Test(arguments: 2...4)
    func manyShortRunsBetweenSleeps(threads: Int) throws {
        let team = try ThreadTeam(threadCount: threads)
        var findings = Findings()
        var random = SeededRandom(seed: UInt64(threads))
        for round in 0..<3000 {
            let record = Record(count: Int.random(in: 0...5, using: &random), threads: threads)
            team.run(count: record.hits.count) { index, worker in record.note(index, worker) }
            if let broken = record.brokenRule { findings.require(false, "round \(round): \(broken)") }
            // Long enough for the workers to fall asleep, at times.
            if round % 300 == 0 { usleep(3000) }
        }
        findings.record()
    }

    @Test func slowBodiesAreSharedAndAwaited() throws {
        let team = try ThreadTeam(threadCount: 3)
        let record = Record(count: 12, threads: 3)
        let running = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        team.run(count: 12) { index, worker in
            let now = running.wrappingAdd(1, ordering: .relaxed).newValue
            most.max(now, ordering: .relaxed)
            usleep(20_000)
            running.wrappingSubtract(1, ordering: .relaxed)
            record.note(index, worker)
        }
        #expect(record.brokenRule == nil)
        #expect(running.load(ordering: .relaxed) == 0)
        #expect(most.load(ordering: .relaxed) > 1, "no two bodies ran at once")
    }

    @Test func aStoppedTeamStillRunsOnTheCaller() throws {
        let team = try ThreadTeam(threadCount: 3)
        team.stop()
        team.stop()
        let record = Record(count: 50, threads: 3)
        team.run(count: 50) { index, worker in record.note(index, worker) }
        #expect(record.brokenRule == nil)
        #expect(record.perWorker.values[0] == 50)
    }

    @Test func teamsComeAndGo() throws {
        for round in 0..<100 {
            let team = try ThreadTeam(threadCount: 1 + round % 4)
            if round % 3 == 0 { team.run(count: 8) { _, _ in } }
        }
    }
}
