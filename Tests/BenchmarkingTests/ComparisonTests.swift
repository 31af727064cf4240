import JSON
import TestSupport
import Testing

@testable import Benchmarking

@Suite(.serialized) struct ComparisonTests {
    /// Programs that print what the peer's print: 10 tokens per second without flash attention, 20 with it.
    private static func peer(in folder: TemporaryFolder) throws -> PeerTools {
        let bench = """
            #!/bin/sh
            echo "$@" >> "$0.log"
            case "$*" in *"-fa 1"*) rate=20 ;; *) rate=10 ;; esac
            echo "[{\\"n_prompt\\": 1, \\"avg_ts\\": $rate.5}]"
            """
        let batched = """
            #!/bin/sh
            case "$*" in *"-fa on"*) rate=30 ;; *) rate=40 ;; esac
            echo noise
            echo "| PP | B | S_TG t/s |"
            echo "|  1 | 3 | $rate.5 |"
            """
        for (name, text) in [("llama-bench", bench), ("llama-batched-bench", batched)] {
            let path = try folder.write(text + "\n", to: name)
            _ = try ToolRun.output("/bin/chmod", ["755", path])
        }
        return try PeerTools(path: folder.path)
    }

    private static func comparison(_ works: [ComparedWork], in folder: TemporaryFolder) throws -> Comparison {
        var settings = BenchmarkSettings(
            modelPath: try RandomModelTests.write(.tiny, .q8_0, seed: 1, in: folder), product: "test 1", command: [])
        settings.isQuick = true
        settings.threads = 1
        var comparison = Comparison(settings: settings, works: works)
        comparison.alternations = 3
        comparison.steps = 2
        return comparison
    }

    @Test func thePeersBetterSettingCounts() throws {
        let folder = try TemporaryFolder()
        var comparison = try Self.comparison(
            [.prefill(tokens: 8), .decode(depth: 4), .batch(sequences: 3)], in: folder)
        comparison.peer = try Self.peer(in: folder)
        let rows = try comparison.run().rows
        #expect(rows.map(\.name) == Array(repeating: ["keyhold", "peer", "ratio"], count: 3).flatMap { $0 })
        #expect(rows[1].summary.median == 20.5 && rows[1].details[0].value == "on")
        #expect(rows[7].summary.median == 40.5 && rows[7].details[0].value == "off")
        for index in [0, 3, 6] {
            #expect(rows[index].summary.count == 3 && rows[index].share != nil)
            let ratio = rows[index + 2].summary
            #expect(ratio.count == 3)
            #expect(ratio.maximum == rows[index].summary.maximum / rows[index + 1].summary.median)
        }
        let log = try #require(TestFiles.bytes(of: "\(folder.path)/llama-bench.log"))
        let lines = String(decoding: log, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 8)
        #expect(lines[0].hasSuffix("-t 1 -fa 0 -r 1 -o json -p 8 -n 0"))
        #expect(lines[7].hasSuffix("-t 1 -fa 1 -r 1 -o json -p 0 -n 2 -d 4"))
    }

    @Test func engineRowsNeedThePeersPrograms() throws {
        let folder = try TemporaryFolder()
        let comparison = try Self.comparison([.prefill(tokens: 8)], in: folder)
        #expect { try comparison.run() } throws: { "\($0)".contains("needs --peer-binary") }
    }

    @Test func serverRowsNeedAServer() throws {
        let folder = try TemporaryFolder()
        let comparison = try Self.comparison([.requests(connections: 1)], in: folder)
        #expect { try comparison.run() } throws: { "\($0)".contains("--peer-url") }
    }

    @Test func aServerThatDoesNotStartIsReported() {
        #expect {
            try ServerUnderLoad(program: "/bin/false") { _ in [] }
        } throws: { "\($0)".contains("ended with status 1 before it served") }
    }
}
