import Testing

/// The tree keeps its own rules; canaries prove that each rule can still see.
@Suite struct TidyTests {
    @Test func sourcesAndTestsAreTidy() throws {
        let paths = ["Sources", "Tests"].flatMap { SourceTree.files(under: $0, endings: [".swift", ".c", ".h"]) }
        #expect(paths.count > 20)
        let findings = try paths.flatMap { TidyRules.findings(path: $0, text: try SourceTree.text($0)) }
        if !findings.isEmpty { Issue.record("\(findings.count) findings:\n\(findings.joined(separator: "\n"))") }
    }

    @Test func shellScriptsStopAtTheFirstError() throws {
        let paths = SourceTree.files(under: "deploy", endings: [""]) + [".ci/run"]
        var count = 0
        for path in paths {
            guard let text = try? SourceTree.text(path), text.hasPrefix("#!/usr/bin/env bash") else { continue }
            count += 1
            #expect(text.contains("\nset -euo pipefail\n"), "\(path)")
        }
        #expect(count >= 4)
    }

    @Test func everyFixtureIsUsed() throws {
        let tests = try SourceTree.files(under: "Tests", endings: [".swift"]).map { try SourceTree.text($0) }.joined()
        for path in SourceTree.files(under: "Tests", endings: [""]) where path.contains("/Fixtures/") {
            let parts = path.split(separator: "/")
            let isNamed = parts.drop { $0 != "Fixtures" }.dropFirst().contains { tests.contains($0) }
            #expect(isNamed, "\(path) is named by no test")
        }
    }

    /// One piece of bad code per rule; each must be reported with the given words.
    @Test(arguments: [
        ("Sources/Scheduling/A.swift", "func f() { fatalError(\"x\") }", "fatalError"),
        ("Sources/Scheduling/A.swift", "let a = try! f()", "try!"),
        ("Sources/Scheduling/A.swift", "let a = b as! C", "as!"),
        ("Sources/Scheduling/A.swift", "func f() { print(1) }", "print"),
        ("Sources/Scheduling/A.swift", "let a = unsafe f()", "unsafe"),
        ("Sources/Scheduling/A.swift", "let a = \"\\(unsafe f())\"", "unsafe"),
        ("Sources/KVCaching/A.swift", "internal import Foundation", "Foundation"),
        ("Sources/Serving/A.swift", "final class A: @unchecked Sendable {}", "@unchecked Sendable"),
        ("Sources/Serving/A.swift", "let a = 1 // " + "TO" + "DO later", "unfinished"),
        ("Sources/Serving/A.swift", "let a = 1 ", "blanks"),
        ("Sources/Serving/FooManager.swift", "", "Manager"),
        ("Sources/Serving/A.swift", "let a = \"" + String(repeating: "x", count: 120) + "\"", "columns"),
        ("Sources/Serving/A.swift", String(repeating: "\n", count: 501), "lines, the limit is 500"),
        ("Sources/Serving/A.swift", "func f() {" + String(repeating: "\n    a()", count: 60) + "\n}", "function of 62"),
        (
            "Sources/Serving/A.swift", "init(\n  a: Int\n) {" + String(repeating: "\n    a()", count: 60) + "\n}",
            "function of 64"
        ),
        (
            "Sources/CKernels/a.c", "int f(void)\n{" + String(repeating: "\n    a();", count: 60) + "\n}",
            "function of 63"
        ),
        (
            "Sources/CKernels/a.c", "int f(void) {" + String(repeating: "\n    a('{');", count: 60) + "\n}",
            "function of 62"
        ),
    ])
    func canaryIsReported(path: String, text: String, words: String) {
        let findings = TidyRules.findings(path: path, text: text)
        #expect(findings.contains { $0.contains(words) }, "\(findings)")
    }

    /// Good code that a careless rule would report.
    @Test(arguments: [
        ("Sources/Scheduling/A.swift", "// fatalError( and try! and unsafe in a comment"),
        ("Sources/Scheduling/A.swift", "let a = \"unsafe print( { try!\""),
        ("Sources/Scheduling/A.swift", "let a = #\"a \" unsafe \\(unsafe)\"#"),
        ("Sources/Scheduling/A.swift", "let a = \"\"\"\n  unsafe { \" {\n  \"\"\""),
        ("Sources/keyhold/A.swift", "print(1)"),
        ("Sources/JSON/A.swift", "let a = unsafe f()"),
        ("Sources/Serving/A.swift", "// Sendable: guarded by the lock.\nfinal class A: @unchecked Sendable {}"),
        (
            "Sources/Serving/A.swift",
            "protocol P {\n  func a()\n  func b()\n}" + String(repeating: "\nlet a = 1", count: 70)
        ),
    ])
    func goodCodeIsNotReported(path: String, text: String) {
        #expect(TidyRules.findings(path: path, text: text) == [])
    }
}
