import JSON
import Testing

@testable import Benchmarking

@Suite(.serialized) struct LoadTests {
    private static func settings(
        _ server: FakeServer, _ arrivals: ArrivalSchedule, requests: Int = 6
    ) -> LoadSettings {
        LoadSettings(target: server.target, arrivals: arrivals, requests: requests, promptTokens: 5, newTokens: 4)
    }

    private static func value(_ name: String, _ rows: [BenchmarkRow]) throws -> Double {
        try #require(rows.first { $0.name == name }).summary.median
    }

    @Test func aClosedLoopMeasuresEveryStream() throws {
        let server = try FakeServer(.tokens(4, apart: 0.02))
        let settings = Self.settings(server, .closed(concurrency: 3))
        let outcome = try LoadGenerator(settings: settings).run()
        #expect(outcome.samples.count == 6)
        for sample in outcome.samples {
            #expect(sample.isGood && sample.tokenCount == 4 && sample.pieces.count == 4, "\(sample)")
            #expect((sample.timeToFirstToken ?? 0) >= 0.015)
            #expect((sample.wholeTime ?? 0) >= 0.06)
        }
        let rows = LoadBenchmark(settings).rows(outcome)
        #expect(try Self.value("failures", rows) == 0)
        #expect(try Self.value("new tokens", rows) == 24 / outcome.seconds)
        let (goodput, all) = (try Self.value("goodput", rows), try Self.value("requests", rows))
        #expect(goodput == all)
    }

    @Test func theBodyIsWhatWasAskedFor() throws {
        let server = try FakeServer(.tokens(1, apart: 0))
        var settings = Self.settings(server, .closed(concurrency: 1), requests: 2)
        settings.budgets = try BudgetMix(parsing: ["{\"budget_ratio\": 0.5}"])
        settings.extraFields = [("cache_prompt", .bool(false))]
        _ = try LoadGenerator(settings: settings).run()
        let bodies = server.bodies
        #expect(bodies.count == 2)
        #expect(bodies[0]["prompt"]?.asArray?.count == 5)
        #expect(bodies[0]["prompt"] != bodies[1]["prompt"])
        #expect(bodies[0]["max_tokens"] == 4 && bodies[0]["stream"] == true && bodies[0]["ignore_eos"] == true)
        #expect(bodies[0]["kv_cache"] == ["budget_ratio": 0.5])
        #expect(bodies[0]["cache_prompt"] == false)
    }

    /// A request waits for nobody: in an open loop several are under way at once.
    @Test func anOpenLoopDoesNotWaitForAnswers() throws {
        let server = try FakeServer(.tokens(4, apart: 0.05))
        let outcome = try LoadGenerator(settings: Self.settings(server, .poisson(rate: 1000, seed: 1))).run()
        #expect(outcome.samples.allSatisfy { $0.isGood })
        #expect(server.mostAtOnce > 1)
    }

    /// Waiting counts from the planned time, not from when a busy generator got round to sending.
    @Test func latenciesCountFromTheSchedule() throws {
        var sample = RequestSample(scheduled: 1)
        sample.pieces = [3, 3.5, 4.5]
        sample.end = 5
        #expect(sample.timeToFirstToken == 2 && sample.wholeTime == 4)
        #expect(sample.gaps == [0.5, 1])
        #expect(sample.timePerToken == 0.75)
    }

    @Test func slowAnswersAreNoGoodput() throws {
        let server = try FakeServer(.tokens(2, apart: 0.02))
        var settings = Self.settings(server, .closed(concurrency: 2), requests: 2)
        settings.objective.ttftSeconds = 0.001
        let rows = LoadBenchmark(settings).rows(try LoadGenerator(settings: settings).run())
        #expect(try Self.value("goodput", rows) == 0)
        #expect(try Self.value("requests", rows) > 0)
    }

    @Test(arguments: [
        (FakeServer.Behaviour.status(429), "429"), (.breaksOff, "answer"), (.errorEvent, "engine"),
        (.tokens(0, apart: 0), "no text"),
    ])
    func failuresAreCountedAndNamed(behaviour: FakeServer.Behaviour, words: String) throws {
        let server = try FakeServer(behaviour)
        let settings = Self.settings(server, .closed(concurrency: 2), requests: 3)
        let rows = LoadBenchmark(settings).rows(try LoadGenerator(settings: settings).run())
        let failures = try #require(rows.first { $0.name == "failures" })
        #expect(failures.summary.median == 3)
        #expect(failures.details.first?.value.asString?.contains(words) == true, "\(failures.details)")
    }

    @Test func anAbsentServerIsAnError() throws {
        let port = try #require(ClientSocket.freePort())
        let settings = LoadSettings(
            target: HTTPTarget(host: "127.0.0.1", port: port), arrivals: .closed(concurrency: 1), requests: 1,
            promptTokens: 1, newTokens: 1)
        #expect { try LoadGenerator(settings: settings).run() } throws: { "\($0)".contains("cannot be reached") }
    }

    @Test func requestRatesAreCounted() throws {
        let server = try FakeServer(.tokens(1, apart: 0))
        var benchmark = RequestRateBenchmark(target: server.target, connections: [1, 3])
        benchmark.seconds = 0.05
        benchmark.repetitions = 2
        let report = try benchmark.run(product: "test 1", command: ["keyhold"])
        #expect(report.rows.count == 4)
        for row in report.rows { #expect(row.summary.minimum > 0 && row.summary.count == 2) }
        #expect(server.bodies.first?["max_tokens"] == 1)
    }

    /// The plan is kept whatever the server does: a stall shows in the times to the first token, not in fewer requests.
    @Test func aReplaySendsAtItsTimes() throws {
        let server = try FakeServer(.tokens(2, apart: 0.05))
        let entries = [0.0, 0.01, 0.15].map { RequestTrace.Entry(time: $0, promptTokens: 3, newTokens: 2) }
        let settings = LoadSettings(target: server.target, replaying: RequestTrace(entries))
        let outcome = try LoadGenerator(settings: settings).run()
        #expect(outcome.samples.map(\.scheduled) == [0, 0.01, 0.15])
        for sample in outcome.samples {
            let late = try #require(sample.sent) - sample.scheduled
            #expect(late >= 0 && late < 1, "\(sample)")
        }
        #expect(try Self.value("failures", LoadBenchmark(settings).rows(outcome)) == 0)
    }

    @Test func aDurationEndsAClosedLoop() throws {
        let server = try FakeServer(.tokens(1, apart: 0.01))
        var settings = Self.settings(server, .closed(concurrency: 2))
        settings.limit(toSeconds: 0.1)
        let outcome = try LoadGenerator(settings: settings).run()
        #expect(outcome.samples.count >= 2 && outcome.seconds < 5)
        #expect(outcome.samples.allSatisfy { ($0.sent ?? 9) <= 0.11 })
    }

    @Test func eachBudgetOfAMixHasItsOwnRows() throws {
        let server = try FakeServer(.tokens(2, apart: 0))
        var settings = Self.settings(server, .closed(concurrency: 2), requests: 40)
        settings.budgets = try BudgetMix(parsing: ["2:{\"budget_tokens\": 8}", "none"])
        settings.apiKey = "secret"
        let rows = LoadBenchmark(settings).rows(try LoadGenerator(settings: settings).run())
        let goodput = rows.filter { $0.name == "goodput" }
        #expect(goodput.count == 3)
        #expect(goodput[1].parameters.last?.value == "{\"budget_tokens\":8}")
        let parts = goodput[1].summary.median + goodput[2].summary.median
        #expect(abs(parts - goodput[0].summary.median) < 1e-6)
        let sent = server.bodies.count { $0["kv_cache"] == ["budget_tokens": 8] }
        #expect(sent > 15 && sent < 38)
        #expect(server.authorizations.allSatisfy { $0 == "Bearer secret" })
    }

    @Test func failuresAreCountedByKind() throws {
        let server = try FakeServer(.status(429))
        let settings = Self.settings(server, .closed(concurrency: 2), requests: 3)
        let rows = LoadBenchmark(settings).rows(try LoadGenerator(settings: settings).run())
        let failures = try #require(rows.first { $0.name == "failures" })
        #expect(failures.details.last?.name == "429 pool_full" && failures.details.last?.value == 3)
    }
}
