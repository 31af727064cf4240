import Foundation
import HTTPFront
import JSON
import Synchronization
import TestSupport

/// A hub on this machine that speaks the calls a model needs: the list of files of a revision, and the files
/// themselves, in parts where asked for.
final class FakeHub: Sendable {
    static let commit = "0123456789abcdef0123456789abcdef01234567"

    /// What the hub does wrong.
    struct Faults: Sendable {
        /// Files end after so many bytes of each answer, and the connection breaks.
        var cutAfter: Int?
        /// Ranges are not understood: each answer is the whole file.
        var ignoresRanges = false
        /// Files have other bytes than the list promises.
        var isCorrupt = false
        /// Every call is answered with this status.
        var status: Int?
        /// Files are at another address, as in large file storage.
        var redirects = false
        /// The list, instead of the true one.
        var listing: String?
    }

    private struct State {
        var faults: Faults
        var calls: [String] = []
        var tokens: [String?] = []
        /// Bytes of files that were sent.
        var sent = 0
    }

    private let state: Mutex<State>
    private let files: [String: [UInt8]]
    private let server = Mutex<FrontServer?>(nil)

    init(_ files: [String: [UInt8]], faults: Faults = Faults()) throws {
        self.files = files
        state = Mutex(State(faults: faults))
        let server = try FrontServer(FrontConfiguration()) { [weak self] in self?.answer($0) }
        self.server.withLock { $0 = server }
    }

    deinit { server.withLock { $0 }?.stop(grace: .zero) }

    var endpoint: String { "http://127.0.0.1:\(server.withLock { $0?.port ?? 0 })" }
    var calls: [String] { state.withLock(\.calls) }
    var tokens: [String?] { state.withLock(\.tokens) }
    var sentBytes: Int { state.withLock(\.sent) }

    func set(_ faults: Faults) { state.withLock { $0.faults = faults } }
    func stop() { server.withLock { $0 }?.stop(grace: .zero) }

    private func answer(_ exchange: HTTPExchange) {
        let faults = state.withLock { state in
            state.calls.append(exchange.path)
            state.tokens.append(exchange.header("authorization"))
            return state.faults
        }
        if let status = faults.status { return refuse(exchange, status) }
        if exchange.path.hasPrefix("/api/models/owner/model/revision/") {
            let listing = faults.listing.map { Array($0.utf8) } ?? Self.listing(files)
            exchange.respond(status: 200, headers: [("content-type", "application/json")], body: listing)
            return
        }
        for prefix in ["/owner/model/resolve/\(Self.commit)/", "/storage/"] where exchange.path.hasPrefix(prefix) {
            let name = String(exchange.path.dropFirst(prefix.count))
            guard let bytes = files[name] else { break }
            if faults.redirects, prefix != "/storage/" {
                let target = endpoint.replacing("127.0.0.1", with: "localhost") + "/storage/" + name
                exchange.respond(status: 302, headers: [("location", target)], body: [])
                return
            }
            return send(faults.isCorrupt ? bytes.map { $0 &+ 1 } : bytes, exchange, faults)
        }
        refuse(exchange, 404)
    }

    private func refuse(_ exchange: HTTPExchange, _ status: Int) {
        exchange.respond(status: status, headers: [], body: Array("no".utf8))
    }

    private func send(_ bytes: [UInt8], _ exchange: HTTPExchange, _ faults: Faults) {
        let start = faults.ignoresRanges ? nil : Self.start(of: exchange.header("range"))
        let rest = bytes.dropFirst(start ?? 0)
        let part = Array(rest.prefix(faults.cutAfter ?? rest.count))
        state.withLock { $0.sent += part.count }
        let headers = start.map { [("content-range", "bytes \($0)-\(bytes.count - 1)/\(bytes.count)")] } ?? []
        let status = start == nil ? 200 : 206
        guard part.count < rest.count else {
            exchange.respond(status: status, headers: headers, body: part)
            return
        }
        let stream = exchange.startStream(status: status, headers: headers)
        stream.write(part)
        // This is the loop's thread: it must be free to send.
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: 0.2)
            stream.abort()
        }
    }

    /// N of `bytes=N-`.
    private static func start(of range: String?) -> Int? {
        guard let range, range.hasPrefix("bytes="), range.hasSuffix("-") else { return nil }
        return Int(range.dropFirst(6).dropLast(1))
    }

    /// Files whose names end in gguf or safetensors are in large file storage.
    static func listing(_ files: [String: [UInt8]]) -> [UInt8] {
        let siblings = files.sorted { $0.key < $1.key }.map { name, bytes in
            let isLarge = name.hasSuffix("gguf") || name.hasSuffix("safetensors")
            let digest = isLarge ? digest("sha256sum", bytes) : digest("git hash-object --stdin", bytes)
            let content =
                isLarge
                ? #""blobId":"\#(commit)","lfs":{"sha256":"\#(digest)","size":\#(bytes.count),"pointerSize":120}"#
                : #""blobId":"\#(digest)""#
            return #"{"rfilename":"\#(name)","size":\#(bytes.count),\#(content)}"#
        }
        return Array(#"{"id":"owner/model","sha":"\#(commit)","siblings":[\#(siblings.joined(separator: ","))]}"#.utf8)
    }

    /// The first word that `command` prints about `bytes`: checksums by programs of others.
    static func digest(_ command: String, _ bytes: [UInt8]) -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        do {
            try process.run()
            try input.fileHandleForWriting.write(contentsOf: Data(bytes))
            try input.fileHandleForWriting.close()
        } catch {
            return "\(error)"
        }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: " ").first.map { String($0).replacing("\n", with: "") } ?? ""
    }
}
