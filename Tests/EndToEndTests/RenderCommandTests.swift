import Foundation
import TestSupport
import Testing

/// `keyhold render`, and README's example of it.
@Suite struct RenderCommandTests {
    @Test func readmesExampleWorks() throws {
        let text = try String(contentsOfFile: TestFiles.packageRoot + "/README.md", encoding: .utf8)
        let block = try #require(
            text.components(separatedBy: "```sh\n").compactMap { $0.components(separatedBy: "```").first }
                .first { $0.contains("keyhold render") })
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let program = try ServerUnderTest.binary().path
        // The program's own path may lead through /tmp: it comes last.
        let script = block.replacing("/tmp/", with: folder.path + "/")
            .replacing(".build/release/keyhold", with: program)
        let outcome = try Command.run(program: URL(filePath: "/bin/bash"), ["-euo", "pipefail", "-c", script])
        #expect(outcome.status == 0, "\(outcome.errorText)")
        let lines = outcome.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.contains { $0.hasPrefix("Is <|im_end|> a token?<|im_end|>") }, "\(outcome.text)")
        // The template closes one turn; the client's text adds no other end.
        let ids = try #require(lines.last { !$0.isEmpty }).split(separator: " ").compactMap { Int($0) }
        #expect(ids.count { $0 == 2 } == 1 && ids.count { $0 == 1 } == 2, "\(outcome.text)")
    }

    private func render(_ messages: String, template: String, _ more: [String] = []) throws -> Command {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let file = try folder.write(messages, to: "messages.json")
        let source = try folder.write(template, to: "a.jinja")
        return try Command.run(["render", "--messages", file, "--template", source] + more)
    }

    @Test func optionsReachTheTemplate() throws {
        let template = "{{ tools | length }} {{ x }} {{ strftime_now('%d.%m.%Y %H:%M') }} {{ add_generation_prompt }}"
        let messages = #"{"messages":[{"role":"wizard","content":5}],"tools":[{}],"chat_template_kwargs":{"x":"y"}}"#
        let outcome = try render(
            messages, template: template, ["--no-generation-prompt", "--time", "2026-01-31T23:59:00"])
        #expect(outcome.text == "1 y 31.01.2026 23:59 False")
    }

    @Test(arguments: [
        ("[]", "{% if %}", [], "line 1: "), ("[]", "{{ raise_exception('No.') }}", [], "No."),
        ("5", "x", [], "must be an array"), ("[", "x", [], "messages.json: "),
        ("[]", "x", ["--time", "tomorrow"], "--time is 'tomorrow'"),
        ("[]", "x", ["--model", "/nonexistent/a.gguf", "--ids"], "/nonexistent/a.gguf"),
    ])
    func faultsAreNamed(messages: String, template: String, more: [String], words: String) throws {
        let outcome = try render(messages, template: template, more)
        #expect(outcome.status != 0 && outcome.errorText.contains(words), "\(outcome.errorText)")
    }
}
