import Foundation
import JSON
import TestSupport
import Testing

/// What `deploy` holds works with the program that is tested, and with the tools that read it.
@Suite(.server("--threads", "1"))
struct DeploymentTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func path(_ name: String) -> String { root.appending(path: name).path(percentEncoded: false) }

    /// Runs a tool, or says that it is not here.
    private static func tool(_ name: String, _ arguments: [String]) throws -> Command? {
        let folders = ["/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin"]
        guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") })
        else {
            print("LEFT OUT: there is no \(name) here")
            return nil
        }
        return try Command.run(program: URL(filePath: "\(folder)/\(name)"), arguments)
    }

    /// systemd's own judgement of the unit: at most 2.0 of 10.
    @Test func theUnitIsHardened() throws {
        let unit = Self.path("deploy/systemd/keyhold.service")
        guard let outcome = try Self.tool("systemd-analyze", ["security", "--offline=yes", "--threshold=20", unit])
        else { return }
        #expect(outcome.status == 0, "\(outcome.text) \(outcome.errorText)")
        #expect(outcome.text.contains("Overall exposure level"))
    }

    @Test func theRulesOfPrometheusDoWhatTheyPromise() throws {
        let rules = Self.path("deploy/monitoring/rules.yml")
        guard let checked = try Self.tool("promtool", ["check", "rules", rules]) else { return }
        #expect(checked.status == 0, "\(checked.text) \(checked.errorText)")
        let tested = try Self.tool("promtool", ["test", "rules", Self.path("deploy/monitoring/rules_test.yml")])
        #expect(tested?.status == 0, "\(tested?.text ?? "") \(tested?.errorText ?? "")")
    }

    /// Metrics that dashboard, rules and scaling ask for are metrics of the server.
    @Test func everyMetricThatIsAskedForExists() throws {
        _ = try server().complete(["prompt": "a", "max_tokens": 2])
        let metrics = try server().get("/metrics").text
        for path in [
            "deploy/monitoring/dashboard.json", "deploy/monitoring/rules.yml", "deploy/kubernetes/scaling.yaml",
        ] {
            let text = try Self.text(path)
            #expect(text.contains("keyhold_requests_waiting"))
            #expect(Self.unknownMetrics(in: text, known: metrics) == [], "\(path)")
        }
        #expect(Self.unknownMetrics(in: "rate(keyhold_no_such_total[5m])", known: metrics) == ["keyhold_no_such_total"])
    }

    private static func unknownMetrics(in text: String, known: String) -> [String] {
        let names = Set(text.matches(of: /\b(?:keyhold|process)_[a-z_]+\b/).map { String($0.output) })
        return names.filter { name in
            let base = name.replacing(/_(bucket|sum|count)$/, with: "")
            return !known.contains("# TYPE \(name) ") && !known.contains("# TYPE \(base) histogram")
        }.sorted()
    }

    @Test func theDashboardIsADashboard() throws {
        let json = try JSONValue(parsing: Array(try Self.text("deploy/monitoring/dashboard.json").utf8), limits: .file)
        let panels = (json.asObject?["panels"]?.asArray ?? []).compactMap(\.asObject)
        #expect(panels.count > 15)
        #expect(Set(panels.compactMap { $0["id"]?.asInt }).count == panels.count)
        for panel in panels where panel["type"] != "row" {
            #expect(panel["targets"]?.asArray?.isEmpty == false && panel["description"]?.asString?.isEmpty == false)
        }
    }

    @Test func healthIsAskedForWithoutCurl() throws {
        let port = try server().port
        let fine = try Command.run(["healthcheck", "--url", "http://127.0.0.1:\(port)"])
        #expect(fine.status == 0 && fine.text == "ok\n", "\(fine.errorText)")
        let configured = try Command.run(
            ["healthcheck"], environment: ["KEYHOLD_HOST": "0.0.0.0", "KEYHOLD_PORT": "\(port)"])
        #expect(configured.status == 0, "\(configured.errorText)")
        let missing = try Command.run(["healthcheck", "--url", "http://127.0.0.1:\(port)", "--path", "/nowhere"])
        #expect(missing.status != 0 && missing.errorText.contains("404"))
        let dead = try Command.run(["healthcheck", "--url", "http://127.0.0.1:1"])
        #expect(dead.status != 0 && dead.errorText.contains("cannot be reached"))
    }

    @Test func configurationsAreChecked() throws {
        let fine = try Command.run(["check-config", "--config", Self.path("config/keyhold.yaml")])
        #expect(fine.status == 0 && fine.text.contains("max_queue: 256"))
        let wrong = try Command.run(["check-config"], environment: ["KEYHOLD_MAX_QUEUE": "many"])
        #expect(wrong.status != 0 && wrong.errorText.contains("KEYHOLD_MAX_QUEUE"))
    }

    @Test func theManualPageIsCorrectRoff() throws {
        let page = try Command.run(["man"])
        #expect(page.status == 0 && page.text.hasPrefix(".TH KEYHOLD 1"))
        #expect(page.text.contains(".SS keyhold serve") && page.text.contains("\\fB\\-\\-kv\\-pool\\-bytes\\fR"))
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/keyhold.1"
        try page.text.write(toFile: file, atomically: true, encoding: .utf8)
        guard let outcome = try Self.tool("groff", ["-man", "-Tutf8", "-ww", "-z", file]) else { return }
        #expect(outcome.status == 0 && outcome.errorText == "", "\(outcome.errorText)")
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func completionsAreScripts(shell: String) throws {
        let script = try Command.run(["completion", shell])
        #expect(script.status == 0 && script.text.contains("kv-pool-bytes"))
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/script"
        try script.text.write(toFile: file, atomically: true, encoding: .utf8)
        guard let outcome = try Self.tool(shell, ["-n", file]) else { return }
        #expect(outcome.status == 0, "\(outcome.errorText)")
    }

    @Test func thereIsNoCompletionForUnknownShells() throws {
        let outcome = try Command.run(["completion", "tcl"])
        #expect(outcome.status != 0 && outcome.errorText.contains("bash, zsh and fish"))
    }
}
