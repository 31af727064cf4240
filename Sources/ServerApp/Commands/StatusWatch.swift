internal import Foundation
internal import JSON

/// `keyhold top`: asks a server for its status again and again and shows it on the terminal.
public struct StatusWatch: Sendable {
    /// Why there is nothing to show.
    public enum WatchError: Error, CustomStringConvertible {
        case unreachable(address: String, reason: String)
        case notAStatus(address: String)

        public var description: String {
            switch self {
            case .unreachable(let address, let reason): "\(address): \(reason)"
            case .notAStatus(let address): "\(address) does not answer with a status; is it keyhold's metrics_listen?"
            }
        }
    }

    /// `http://HOST:PORT`, `https://HOST:PORT` or `unix:/PATH`.
    public var address: String
    /// Key of an administrator, where the address asks for one.
    public var key: String?
    public var interval: Duration = .seconds(1)
    /// Show it once, without moving the cursor.
    public var isOnce = false

    public init(address: String) { self.address = address }

    /// Shows until it is interrupted or the server cannot be reached.
    public func run(write: (String) -> Void) throws {
        var previous: (status: JSONObject, time: ContinuousClock.Instant)?
        while true {
            let status = try fetch()
            let now = ContinuousClock.now
            let before = previous.map { (status: $0.status, seconds: (now - $0.time) / .seconds(1)) }
            let size = TerminalSize.current
            let text = StatusScreen(status, previous: before).text(
                columns: size.columns, rows: isOnce ? 10_000 : size.rows - 1)
            if isOnce { return write(text) }
            // Home, each line cleared to its end, then everything below.
            write("\u{1B}[H" + text.replacing("\n", with: "\u{1B}[K\n") + "\u{1B}[J")
            previous = (status, now)
            Thread.sleep(forTimeInterval: max(0.1, interval / .seconds(1)))
        }
    }

    private func fetch() throws -> JSONObject {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["curl"] + arguments
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
        try process.run()
        // The key stays out of the list of processes.
        if let key {
            let header = "header = \"Authorization: Bearer \(key.filter { $0 != "\"" && $0 != "\\" && $0 != "\n" })\"\n"
            try input.fileHandleForWriting.write(contentsOf: Data(header.utf8))
        }
        try input.fileHandleForWriting.close()
        let body = output.fileHandleForReading.readDataToEndOfFile()
        let reason = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw WatchError.unreachable(address: address, reason: reason.filter { $0 != "\n" })
        }
        guard let status = try? JSONValue(parsing: Array(body), limits: .request).asObject,
            status["kv_pool_bytes"] != nil
        else { throw WatchError.notAStatus(address: address) }
        return status
    }

    private var arguments: [String] {
        let fixed = ["--silent", "--show-error", "--fail", "--max-time", "10", "--config", "-"]
        if address.hasPrefix("unix:") {
            return fixed + ["--unix-socket", String(address.dropFirst(5)), "--", "http://localhost/status"]
        }
        let base = address.hasSuffix("/") ? String(address.dropLast()) : address
        return fixed + ["--proto", "=http,https", "--", "\(base)/status"]
    }
}
