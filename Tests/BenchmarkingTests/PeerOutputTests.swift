import Testing

@testable import Benchmarking

@Suite struct PeerOutputTests {
    private static let test = """
        {"build_commit": "abc", "n_threads": 2, "flash_attn": 1, "n_prompt": 512, "n_gen": 0, "n_depth": 0,
         "avg_ns": 1000000, "stddev_ns": 0, "avg_ts": 371.25, "stddev_ts": 0.0, "samples_ns": [1], "samples_ts": [1.0]}
        """

    @Test func theRateOfATestIsRead() throws {
        #expect(try PeerOutput.benchRate(Array("[\n\(Self.test)\n]\n".utf8)) == 371.25)
    }

    @Test(arguments: ["", "[]", "{}", "[{\"avg_ts\": 0}]", "[{\"avg_ts\": \"1\"}]", "[\(test),\(test)]", "[1]"])
    func anythingElseIsAnError(text: String) {
        #expect { try PeerOutput.benchRate(Array(text.utf8)) } throws: { "\($0)".contains("llama-bench") }
    }

    @Test func theLineOfABatchIsFoundAmongOthers() throws {
        let text = """
            bench: n_kv_max = 4096, n_batch = 2048

            |    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
            |-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
            |   128 |     64 |    1 |    192 |    0.100 |  1280.00 |    5.565 |    11.50 |    5.665 |    33.89 |
            |   128 |     64 |    8 |   1536 |    0.800 |  1280.00 |   11.506 |    44.50 |   12.306 |   124.82 |
            """
        #expect(try PeerOutput.batchRate(Array(text.utf8), sequences: 8) == 44.5)
        #expect(throws: BenchmarkError.self) { try PeerOutput.batchRate(Array(text.utf8), sequences: 2) }
    }

    @Test func aMissingProgramIsNamed() {
        #expect { try PeerTools(path: "/nonexistent/llama-bench") } throws: { "\($0)".contains("--peer-binary") }
        #expect { try PeerTools.requireProgram("/nonexistent/x") } throws: { "\($0)".contains("/nonexistent/x") }
    }

    @Test func aProgramThatFailsIsReportedWithItsLastWords() {
        #expect {
            try ToolRun.output("/bin/sh", ["-c", "echo first >&2; echo last words >&2; exit 3"])
        } throws: { "\($0)".contains("status 3: last words") }
    }

    @Test func theOutputOfAProgramIsTaken() throws {
        #expect(try ToolRun.output("/bin/sh", ["-c", "echo out; echo err >&2"]) == Array("out\n".utf8))
    }
}
