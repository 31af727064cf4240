import Foundation
import TestSupport
import Testing

/// What README shows works as it stands there.
@Suite(.server("--threads", "2"))
struct ReadmeTests {
    /// The shell blocks of README that begin with `curl`.
    private static func curlBlocks() throws -> [String] {
        let text = try String(contentsOfFile: TestFiles.packageRoot + "/README.md", encoding: .utf8)
        return text.components(separatedBy: "```sh\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
            .filter { $0.hasPrefix("curl") }
    }

    @Test func everyCurlExampleIsAnswered() throws {
        let blocks = try Self.curlBlocks()
        #expect(blocks.count >= 3)
        let server = try server()
        for block in blocks {
            let script = block.replacing("127.0.0.1:8080", with: "127.0.0.1:\(server.port)")
            let outcome = try Command.run(program: URL(filePath: "/bin/bash"), ["-euo", "pipefail", "-c", script])
            #expect(outcome.status == 0, "\(block)\n\(outcome.errorText)")
            #expect(outcome.text.contains("\"usage\"") && !outcome.text.contains("\"error\""), "\(outcome.text)")
        }
    }

    @Test func theFirstExampleLooksTheCodeUp() throws {
        let block = try #require(try Self.curlBlocks().first)
        let script = block.replacing("127.0.0.1:8080", with: "127.0.0.1:\(try server().port)")
        let outcome = try Command.run(program: URL(filePath: "/bin/bash"), ["-c", script])
        #expect(outcome.text.contains("\"text\":\"48213\""))
    }
}
