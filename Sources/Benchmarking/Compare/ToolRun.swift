internal import Foundation

/// One run of a peer's program to its end.
enum ToolRun {
    /// Standard output of the program. Its standard error is dropped, but for the last line where it fails.
    static func output(_ path: String, _ arguments: [String]) throws(BenchmarkError) -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        // A file: a pipe that nobody reads would stop the program.
        let errorPath = NSTemporaryDirectory() + "keyhold-bench-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: errorPath) }
        do {
            try Data().write(to: URL(fileURLWithPath: errorPath))
            process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorPath))
            try process.run()
        } catch {
            throw .program(path: path, reason: "cannot be started: \(error.localizedDescription)")
        }
        let bytes = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let errors = (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? ""
            let last = errors.split(separator: "\n").last.map { ": \($0)" } ?? ""
            throw .program(path: path, reason: "ended with status \(process.terminationStatus)\(last)")
        }
        return bytes
    }
}
