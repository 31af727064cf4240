import Testing

@testable import Benchmarking

@Suite struct RequestTraceTests {
    private static let azure = """
        TIMESTAMP,ContextTokens,GeneratedTokens\r
        2023-11-16 23:59:59.5000000,374,44\r
        2023-11-17 00:00:01.2500000,396,109\r
        2023-11-17 00:00:02.0000000,0,5\r
        """
    private static let mooncake = """
        {"timestamp": 1000, "input_length": 1030, "output_length": 2, "hash_ids": [0, 7, 9]}
        {"timestamp": 4000, "input_length": 600, "output_length": 3, "hash_ids": [0, 8]}

        """

    private static func trace(_ text: String) throws -> RequestTrace {
        try RequestTrace(parsing: Array(text.utf8), path: "t")
    }

    @Test func azuresTimesCountFromTheFirstAcrossMidnight() throws {
        let entries = try Self.trace(Self.azure).entries
        #expect(entries.map(\.time) == [0, 1.75])
        #expect(entries.map(\.promptTokens) == [374, 396] && entries.map(\.newTokens) == [44, 109])
    }

    @Test func mooncakesTimesAreMilliseconds() throws {
        let trace = try Self.trace(Self.mooncake)
        #expect(trace.entries.map(\.time) == [0, 3])
        #expect(trace.entries[0].blocks == [0, 7, 9] && trace.seconds == 3)
    }

    @Test(arguments: [
        ("TIMESTAMP,A,B\n2023-11-16 18:17:03.9,1", 2), ("h\n2023-11-16 18:17:03,1,2\nx,1,2", 3),
        ("h\n2023-13-16 18:17:03,1,2", 2), ("{\"timestamp\": 1}", 1), ("h\n2023-11-16 18:17:03,-1,2", 2), ("", 1),
        ("{}\n", 1),
    ])
    func aBadLineIsNamed(text: String, line: Int) throws {
        #expect(throws: BenchmarkError.badTrace(path: "t", line: line)) { try Self.trace(text) }
    }

    @Test func speedAndLengthsAreScaledWithinLimits() throws {
        let trace = try Self.trace(Self.azure).scaled(speed: 2, lengths: 0.5, maxPrompt: 190, maxNew: 30)
        #expect(trace.entries.map(\.time) == [0, 0.875])
        #expect(trace.entries.map(\.promptTokens) == [187, 190] && trace.entries.map(\.newTokens) == [22, 30])
        let tiny = try Self.trace(Self.azure).scaled(speed: 1, lengths: 0.0001, maxPrompt: 10, maxNew: 10)
        #expect(tiny.entries.allSatisfy { $0.promptTokens == 1 && $0.newTokens == 1 })
    }

    @Test func aWindowBeginsAtZero() throws {
        let window = try Self.trace(Self.azure).window(from: 1.5, seconds: 10)
        #expect(window.entries.map(\.time) == [0.25])
        #expect(try Self.trace(Self.azure).first(1).entries.count == 1)
    }

    /// Prompts share their beginnings exactly where the trace says that they do.
    @Test func equalBlocksAreEqualTokens() throws {
        let target = HTTPTarget(host: "a", port: 1)
        let settings = LoadSettings(target: target, replaying: try Self.trace(Self.mooncake))
        let (first, second) = (settings.prompt(0), settings.prompt(1))
        #expect(first.count == 1030 && second.count == 600)
        #expect(first[..<512] == second[..<512] && first[512..<600] != second[512..<600])
        let short = try Self.trace(Self.mooncake).scaled(speed: 1, lengths: 0.25, maxPrompt: 999, maxNew: 9)
        let scaled = LoadSettings(target: target, replaying: short)
        let (third, fourth) = (scaled.prompt(0), scaled.prompt(1))
        #expect(third.count == 258 && fourth.count == 150)
        #expect(third[..<128] == fourth[..<128] && third[128..<150] != fourth[128..<150])
    }

    @Test func arrivalsOfATraceAreItsTimes() throws {
        let settings = LoadSettings(
            target: HTTPTarget(host: "a", port: 1), replaying: try Self.trace(Self.mooncake))
        #expect(settings.arrivals.times(count: settings.requests) == [0, 3])
        #expect(settings.size(1) == (600, 3))
    }
}
