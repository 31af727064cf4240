import Foundation
import Synchronization
import Testing

/// A real `keyhold serve` from the build folder of the tests, on a free port, silent unless something goes wrong.
final class ServerUnderTest: Sendable {
    /// Why a server could not be used.
    enum Failure: Error { case noBinary(String), ended(log: String), didNotEnd }

    let port: Int
    let processID: Int32
    private let process: Mutex<Process>
    private let logPath: String

    /// Starts the server and waits until it serves.
    ///
    /// `program` starts it instead, with `prefix` before the server's own arguments.
    init(
        _ arguments: [String], environment: [String: String] = [:], program: String? = nil, prefix: [String] = []
    ) throws {
        let binary = try program.map { URL(filePath: $0) } ?? Self.binary()
        logPath = NSTemporaryDirectory() + "keyhold-test-\(UUID().uuidString).log"
        try Data().write(to: URL(filePath: logPath))
        let process = Process()
        process.executableURL = binary
        process.arguments = prefix + ["serve", "--port", "0", "--log-format", "text"] + arguments
        // The machine's own settings must not leak into tests.
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("KEYHOLD_") }
        process.environment = inherited.merging(environment) { _, new in new }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: URL(filePath: logPath))
        try process.run()
        processID = process.processIdentifier
        guard let port = Self.port(announcedOn: output.fileHandleForReading) else {
            process.waitUntilExit()
            throw Failure.ended(log: (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "")
        }
        self.port = port
        self.process = Mutex(process)
    }

    deinit {
        process.withLock { process in
            if process.isRunning { process.terminate() }
        }
        try? FileManager.default.removeItem(atPath: logPath)
    }

    /// `keyhold` lies beside the test bundle.
    static func binary() throws -> URL {
        let folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let candidates = [folder, URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()]
            .map { $0.appending(path: "keyhold") }
        guard let binary = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path()) }) else {
            throw Failure.noBinary("no keyhold in \(candidates.map { $0.path() })")
        }
        return binary
    }

    /// Reads the start-up text to its last line, which holds the address.
    private static func port(announcedOn output: FileHandle) -> Int? {
        var text = ""
        while true {
            let data = output.availableData
            guard !data.isEmpty else { return nil }
            text += String(decoding: data, as: UTF8.self)
            if let line = text.split(separator: "\n").first(where: { $0.hasPrefix("listening on ") }),
                text.hasSuffix("\n")
            {
                return line.split(separator: ":").last.flatMap { Int($0) }
            }
        }
    }

    /// What the server has logged.
    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    var isRunning: Bool { process.withLock { $0.isRunning } }

    func send(_ signal: Int32) { kill(processID, signal) }

    /// Waits for the end of the process; its exit status, or nil after `time`.
    func exitStatus(within time: Duration) -> Int32? {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            if let status = process.withLock({ $0.isRunning ? nil : $0.terminationStatus }) { return status }
            Thread.sleep(forTimeInterval: 0.01)
        }
        return nil
    }

    /// Open descriptors of the server.
    var descriptorCount: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/fd").count) ?? 0
    }

    /// Resident memory of the server.
    var residentBytes: Int {
        let status = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }
}

/// Gives each suite its own server for as long as the suite runs.
struct ServerTrait: SuiteTrait, TestScoping {
    let arguments: [String]

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = try ServerUnderTest(arguments)
        try await ServerTrait.$current.withValue(server) { try await function() }
        server.send(SIGTERM)
        #expect(server.exitStatus(within: .seconds(20)) == 0, "after SIGTERM: \(server.log.suffix(2000))")
    }

    @TaskLocal static var current: ServerUnderTest?
}

extension Trait where Self == ServerTrait {
    /// A server with these arguments, as `server()` in the suite's tests.
    static func server(_ arguments: String...) -> ServerTrait { ServerTrait(arguments: arguments) }
}

/// The suite's server.
func server() throws -> ServerUnderTest {
    try #require(ServerTrait.current, "the suite has the trait .server")
}
