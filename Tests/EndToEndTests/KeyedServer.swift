import Foundation
import JSON
import TestSupport
import Testing

/// A server with API keys from a file that the test may change, and requests that carry keys.
struct KeyedServer {
    let folder: TemporaryFolder
    let server: ServerUnderTest
    let keyFile: String

    /// `entries` are the fields of each key beside name and hash.
    init(_ entries: [(name: String, fields: String)], _ arguments: [String] = []) throws {
        folder = try TemporaryFolder()
        keyFile = try folder.write(try Self.yaml(entries), to: "keys.yaml")
        server = try ServerUnderTest(["--api-keys-file", keyFile, "--threads", "1"] + arguments)
    }

    /// Replaces the key file.
    func write(_ entries: [(name: String, fields: String)]) throws {
        _ = try folder.write(try Self.yaml(entries), to: "keys.yaml")
    }

    private static func yaml(_ entries: [(name: String, fields: String)]) throws -> String {
        var text = "api_keys:\n"
        for (name, fields) in entries {
            let entry = try Command.run(["key", "hash", name], input: key(name) + "\n").text
            text += entry.replacing("}", with: fields.isEmpty ? "}" : ", \(fields)}")
        }
        return text
    }

    /// The key of a name.
    static func key(_ name: String) -> String { "test-key-of-\(name)-0123456789" }

    /// One exchange with these header lines.
    func exchange(
        _ method: String, _ path: String, headers: [String] = [], body: String = ""
    ) throws -> Answer {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: t", "Content-Length: \(body.utf8.count)"] + headers
        let client = try server.client()
        try client.send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        return Answer(try client.readResponse(toHead: method == "HEAD"))
    }

    func get(_ path: String, key name: String?) throws -> Answer {
        try exchange("GET", path, headers: Self.authorization(name))
    }

    func complete(_ body: JSONValue, key name: String?) throws -> Answer {
        try exchange(
            "POST", "/v1/completions", headers: Self.authorization(name),
            body: String(decoding: body.serialized(), as: UTF8.self))
    }

    static func authorization(_ name: String?) -> [String] { name.map { ["Authorization: Bearer \(key($0))"] } ?? [] }

    /// Waits for a condition, at most 10 s.
    func eventually(_ condition: () throws -> Bool) throws -> Bool {
        for _ in 0..<500 {
            if try condition() { return true }
            sleepMilliseconds(20)
        }
        return false
    }
}
