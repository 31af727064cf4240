import JSON
import TestSupport
import Testing

/// `keyhold bench` from the outside, on models of a tenth of a million parameters.
@Suite(.server("--threads", "1"))
struct BenchCommandTests {
    private static func model(in folder: TemporaryFolder) throws -> String {
        let path = "\(folder.path)/tiny.gguf"
        let outcome = try Command.run(["bench", "model", "--shape", "tiny", "--type", "q8_0", path])
        #expect(outcome.status == 0, "\(outcome.errorText)")
        #expect(outcome.text.hasPrefix("\(path): "))
        return path
    }

    private static func results(_ path: String) throws -> [JSONObject] {
        let json = try JSONValue(parsing: try #require(TestFiles.bytes(of: path)), limits: .request)
        return (json.asObject?["results"]?.asArray ?? []).compactMap(\.asObject)
    }

    @Test(arguments: [
        ["prefill", "--tokens", "8,32"], ["decode", "--depth", "0,16", "--steps", "2"],
        ["batch", "--sizes", "1,2", "--depth", "4", "--steps", "2"],
        ["policy", "--budgets", "100,50", "--depth", "32", "--steps", "2"],
    ])
    func engineBenchmarksWriteJSON(arguments: [String]) throws {
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/out.json"
        let outcome = try Command.run(
            ["bench"] + arguments + ["--quick", "-t", "2", "--model", try Self.model(in: folder), "--json", file])
        #expect(outcome.status == 0, "\(outcome.errorText)")
        #expect(outcome.errorText == "")
        #expect(outcome.text.contains("tokens/s"))
        let results = try Self.results(file)
        #expect(results.count == 2)
        for result in results { #expect((result["median"]?.asDouble ?? 0) > 0 && result["share"] != nil, "\(result)") }
    }

    /// The program serves what it writes, and generates text from it.
    @Test func aRandomModelGeneratesText() throws {
        let folder = try TemporaryFolder()
        let outcome = try Command.run(["generate", "hello", "-n", "5", "-m", try Self.model(in: folder)])
        #expect(outcome.status == 0, "\(outcome.errorText)")
        #expect(outcome.text.count > 1)
    }

    @Test func loadAndRatesOfAServerAreMeasured() throws {
        let folder = try TemporaryFolder()
        let url = "http://127.0.0.1:\(try server().port)"
        let file = "\(folder.path)/load.json"
        let load = try Command.run([
            "bench", "load", "--url", url, "--concurrency", "2", "--requests", "4", "--prompt-tokens", "20",
            "--new-tokens", "4", "--kv-cache", "{\"budget_ratio\": 0.5}", "--json", file,
        ])
        #expect(load.status == 0, "\(load.errorText)")
        let results = try Self.results(file)
        #expect(results.first { $0["name"] == "failures" }?["median"]?.asDouble == 0, "\(load.text)")
        #expect(results.contains { $0["name"] == "time to first token" })
        let open = try Command.run([
            "bench", "load", "--url", url, "--rate", "50", "--requests", "5", "--prompt-tokens", "5", "--new-tokens",
            "2",
        ])
        #expect(open.status == 0 && open.text.contains("goodput"), "\(open.errorText)")
        let rates = try Command.run([
            "bench", "http", "--url", url, "--connections", "1", "--seconds", "0.05", "--repetitions", "1",
        ])
        #expect(rates.status == 0 && rates.text.contains("GET /health"), "\(rates.errorText)")
    }

    @Test func serversAreComparedInTurns() throws {
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/compare.json"
        let outcome = try Command.run([
            "bench", "compare", "--peer-url", "http://127.0.0.1:\(try server().port)", "--work", "requests=2",
            "--alternations", "2", "--quick", "-t", "1", "--model", try Self.model(in: folder), "--json", file,
        ])
        #expect(outcome.status == 0, "\(outcome.errorText)")
        let names = try Self.results(file).compactMap { $0["name"]?.asString }
        #expect(names == ["keyhold rate", "peer rate", "ratio of rate"])
    }

    @Test(arguments: [
        (["model", "--shape", "huge", "/dev/shm/a"], "huge"), (["model", "/nonexistent/a"], "cannot be written"),
        (["prefill", "--model", "/nonexistent"], "/nonexistent"),
        (["prefill", "-m", "a", "--tokens", "0"], "--tokens"),
        (["decode", "-m", "a", "--depth", "x"], "--depth"), (["batch", "-m", "a", "--sizes", "0"], "--sizes"),
        (["decode", "-m", "a", "--steps", "0"], "--steps"), (["prefill", "-m", "a", "-t", "0"], "--threads"),
        (["policy", "-m", "a", "--budgets", "0"], "--budgets"), (["load"], "--concurrency"),
        (["load", "--rate", "0"], "--rate"), (["load", "--concurrency", "1", "--url", "x"], "http://HOST:PORT"),
        (["load", "--concurrency", "1", "--kv-cache", "1"], "--kv-cache"),
        (["compare", "-m", "a"], "--peer-binary"), (["compare", "-m", "a", "--peer-binary", "/nonexistent"], "exist"),
        (["compare", "-m", "a", "--peer-url", "http://a", "--work", "sleep=1"], "sleep"),
    ])
    func aBadCommandEndsWithAnErrorThatSaysWhatToChange(arguments: [String], words: String) throws {
        let outcome = try Command.run(["bench"] + arguments)
        #expect(outcome.status != 0)
        #expect(outcome.errorText.contains(words), "\(outcome.errorText)")
    }
}
