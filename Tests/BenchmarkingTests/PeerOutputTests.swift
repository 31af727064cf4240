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
            main: n_kv_max = 4096
            {"n_kv_max": 4096, "pp": 128, "tg": 64, "pl": 1, "speed_tg": 11.5, "speed": 30.0}
            {"n_kv_max": 4096, "pp": 128, "tg": 64, "pl": 8, "speed_tg": 44.5, "speed": 60.0}
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
