import Foundation

/// One run of the `keyhold` program to its end.
struct Command {
    let status: Int32
    let text: String
    let errorText: String

    static func run(
        _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) throws -> Command {
        try run(program: ServerUnderTest.binary(), arguments, input: input, environment: environment)
    }

    static func run(
        program: URL, _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) throws -> Command {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("KEYHOLD_") }
            .merging(environment) { $1 }
        let (stdin, stdout) = (Pipe(), Pipe())
        let errorPath = NSTemporaryDirectory() + "keyhold-command-\(UUID().uuidString)"
        try Data().write(to: URL(filePath: errorPath))
        defer { try? FileManager.default.removeItem(atPath: errorPath) }
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errorPath))
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = stdout.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let errors = try Data(contentsOf: URL(filePath: errorPath))
        return Command(
            status: process.terminationStatus, text: String(decoding: output, as: UTF8.self),
            errorText: String(decoding: errors, as: UTF8.self))
    }
}
