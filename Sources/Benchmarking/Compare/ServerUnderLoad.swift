internal import Foundation

/// A server that runs for as long as the object lives, or one that somebody else runs.
final class ServerUnderLoad {
    let target: HTTPTarget
    private let process: Process?

    /// Seconds within which a server must answer.
    private static let startSeconds = 300.0

    /// A server that is there already.
    init(_ target: HTTPTarget) throws(BenchmarkError) {
        self.target = target
        process = nil
        try waitUntilReady()
    }

    /// Starts a program. `arguments` gets the port on which it shall listen on the loopback address.
    init(program: String, arguments: (Int) -> [String]) throws(BenchmarkError) {
        guard let port = ClientSocket.freePort() else {
            throw .program(path: program, reason: "there is no free port for it")
        }
        target = HTTPTarget(host: "127.0.0.1", port: port)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments(port)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw .program(path: program, reason: "cannot be started: \(error.localizedDescription)")
        }
        self.process = process
        try waitUntilReady()
    }

    deinit {
        guard let process, process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    private func waitUntilReady() throws(BenchmarkError) {
        let watch = Stopwatch()
        var last = "no answer"
        while watch.seconds < Self.startSeconds {
            if let process, !process.isRunning {
                throw .program(
                    path: process.executableURL?.path ?? "server",
                    reason: "ended with status \(process.terminationStatus) before it served")
            }
            do {
                let status = try health()
                if status == 200 { return }
                last = "/health answers \(status.map(String.init) ?? "nothing")"
            } catch {
                if process == nil { throw error }
                last = error.description
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw .badAnswer(url: target.description, reason: "not ready in time: \(last)")
    }

    private func health() throws(BenchmarkError) -> Int? {
        let pool = ExchangePool(target, timeout: 10)
        var status: Int?
        try pool.start(target.get("/health"), tag: 0)
        while pool.activeCount > 0 {
            pool.poll(seconds: 1) { _, event in if case .head(let found) = event { status = found } }
        }
        return status
    }
}

@available(*, unavailable) extension ServerUnderLoad: Sendable {}
