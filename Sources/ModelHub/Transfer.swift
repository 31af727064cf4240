internal import Foundation

/// One download by the program curl, which knows proxies, certificates, redirects and resumption.
///
/// The bytes come through a pipe: a caller that dies takes curl with it, and progress is known to the byte.
struct Transfer {
    let address: String
    let token: String?

    /// Why a transfer ended early.
    enum Failure: Error {
        /// The answer's status, 400 or above.
        case status(Int)
        /// The server cannot go on in the middle.
        case noResumption
        /// What curl says.
        case other(String)
        /// Where the bytes go cannot be written.
        case output(String)
        case noCurl(String)
    }

    /// All of a small answer. Throws at more than `limit` bytes.
    func bytes(limit: Int) throws(Failure) -> [UInt8] {
        var all: [UInt8] = []
        try run(from: 0) { piece throws(Failure) in
            guard all.count + piece.count <= limit else { throw .other("the answer has more than \(limit) bytes") }
            all += piece
        }
        return all
    }

    /// Appends what comes after the first `offset` bytes of the content to the file, which has as many.
    func append(to path: String, from offset: Int, progress: (Int) -> Void) throws(Failure) {
        let file: FileHandle
        do {
            if offset == 0 { try Data().write(to: URL(fileURLWithPath: path)) }
            file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            try file.seekToEnd()
        } catch {
            throw .output(error.localizedDescription)
        }
        defer { try? file.close() }
        var done = offset
        try run(from: offset) { piece throws(Failure) in
            do {
                try file.write(contentsOf: piece)
            } catch {
                throw .output(error.localizedDescription)
            }
            done += piece.count
            progress(done)
        }
        do {
            try file.synchronize()
        } catch {
            throw .output(error.localizedDescription)
        }
    }

    private func run(from offset: Int, _ take: (Data) throws(Failure) -> Void) throws(Failure) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["curl"] + arguments(from: offset)
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        do {
            try process.run()
            // The token stays out of the list of processes.
            if let token {
                try input.fileHandleForWriting.write(
                    contentsOf: Data("header = \"Authorization: Bearer \(token)\"\n".utf8))
            }
            try input.fileHandleForWriting.close()
        } catch {
            throw .noCurl(error.localizedDescription)
        }
        defer { process.waitUntilExit() }
        do throws(Failure) {
            while true {
                let piece = output.fileHandleForReading.availableData
                if piece.isEmpty { break }
                try take(piece)
            }
        } catch {
            process.terminate()
            throw error
        }
        process.waitUntilExit()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        try check(status: process.terminationStatus, text)
    }

    private func arguments(from offset: Int) -> [String] {
        var arguments = [
            "--silent", "--show-error", "--fail", "--location", "--proto", "=http,https", "--max-redirs", "10",
            "--connect-timeout", "20", "--speed-limit", "1", "--speed-time", "60", "--config", "-",
            "--write-out", "%{stderr}\n%{http_code}",
        ]
        if offset > 0 { arguments += ["--continue-at", "\(offset)"] }
        return arguments + ["--", address]
    }

    /// curl's exit statuses: 22 is a refusal by status, 33 a server without resumption, 127 is env's for no curl.
    private func check(status: Int32, _ text: String) throws(Failure) {
        guard status != 0 else { return }
        var lines = text.split(separator: "\n").map(String.init)
        let code = lines.popLast().flatMap(Int.init) ?? 0
        switch status {
        case 22 where code == 416: throw .noResumption
        case 22: throw .status(code)
        case 33, 36: throw .noResumption
        case 127: throw .noCurl("it is not on PATH")
        default: throw .other(lines.last ?? "curl ended with status \(status)")
        }
    }
}
