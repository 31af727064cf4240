import Credentials
import Foundation
import Testing

@testable import ServerApp

/// The list `api_keys`.
@Suite struct APIKeyConfigurationTests {
    private static let hash = String(repeating: "ab", count: 32)

    private func configuration(_ yaml: String) throws -> ServerConfiguration {
        var layers = ConfigurationLayers()
        try layers.merge(yaml: yaml, path: "f.yaml")
        return try ServerConfiguration(layers)
    }

    @Test func everyFieldOfAnEntryIsRead() throws {
        let ring = try #require(
            try configuration(
                """
                api_keys:
                  - name: a
                    hash: \(Self.hash)
                    weight: 2.5
                    kv_max_bytes: 64MiB
                    requests_per_minute: 10
                    max_concurrent: 3
                    max_sequences: 4
                    priority: -5
                    admin: true
                  - {name: b, hash: \(String(repeating: "CD", count: 32))}
                """
            ).operation.keys)
        var expected = APIKey(name: "a", digest: try #require(KeyDigest(hexadecimal: Self.hash)))
        expected.weight = 2.5
        expected.kvMaxBytes = 64 << 20
        expected.requestsPerMinute = 10
        expected.maxConcurrent = 3
        expected.maxSequences = 4
        expected.priority = -5
        expected.isAdmin = true
        #expect(ring.keys.first == expected)
        #expect(ring.keys.last?.name == "b")
        #expect(ring.keys.last?.weight == 1)
    }

    @Test func withoutTheListNobodyNeedsAKeyAndAnEmptyOneShutsEverybodyOut() throws {
        #expect(try configuration("port: 1").operation.keys == nil)
        #expect(try configuration("api_keys: []").operation.keys == KeyRing())
        #expect(try configuration("api_keys:").operation.keys == KeyRing())
    }

    @Test(arguments: [
        ("api_keys: 1", "api_keys must be a list"),
        ("api_keys: [a]", "api_keys[0] must be a mapping"),
        ("api_keys: [{name: a}]", "api_keys[0].hash must be the key's SHA-256"),
        ("api_keys: [{hash: \(hash)}]", "api_keys[0].name must be given"),
        ("api_keys: [{name: 'a b', hash: \(hash)}]", "api_keys[0].name is 'a b' but must be 1 to 64 letters"),
        ("api_keys: [{name: anonymous, hash: \(hash)}]", "api_keys[0].name"),
        ("api_keys: [{name: a, hash: \(hash), weigth: 1}]", "api_keys[0].weigth must be one of name, hash"),
        ("api_keys: [{name: a, hash: \(hash), weight: 0}]", "weight is '0' but must be a number from 0.001"),
        ("api_keys: [{name: a, hash: \(hash), weight: nan}]", "weight is 'nan'"),
        ("api_keys: [{name: a, hash: \(hash), kv_max_bytes: 1KiB}]", "kv_max_bytes is '1KiB'"),
        ("api_keys: [{name: a, hash: \(hash), requests_per_minute: 0}]", "an integer from 1 to"),
        ("api_keys: [{name: a, hash: \(hash), max_concurrent: 1.5}]", "max_concurrent is '1.5'"),
        ("api_keys: [{name: a, hash: \(hash), max_sequences: 0}]", "max_sequences is '0'"),
        ("api_keys: [{name: a, hash: \(hash), priority: 1001}]", "an integer from -1000 to 1000"),
        ("api_keys: [{name: a, hash: \(hash), admin: maybe}]", "true or false"),
        ("api_keys: [{name: a, hash: [\(hash)]}]", "api_keys[0].hash must be a single value"),
        ("api_keys: [{name: a, hash: \(hash)}, {name: b, hash: \(hash)}]", "'a' and 'b' have the same hash"),
    ])
    func badEntriesAreNamed(yaml: String, words: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try configuration(yaml) }
        #expect(error.description.contains(words), "\(error)")
        #expect(error.description.contains("f.yaml"), "\(error)")
    }

    /// Somebody who puts the key where its hash belongs must not find it in a log.
    @Test func aWrongHashIsNotRepeated() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try configuration("api_keys: [{name: a, hash: kh-secret}]")
        }
        #expect(!error.description.contains("secret"))
    }

    @Test func thePrintedFormMasksHashes() throws {
        let printed = try configuration("api_keys: [{name: a, hash: \(Self.hash), weight: 2}]").printed
        #expect(printed.contains("- {name: a, hash: \"********\", weight: 2.0}"))
        #expect(!printed.contains(Self.hash))
    }

    @Test func aKeyFileAddsItsEntries() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "keyhold-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (main, keys) = (folder.appending(path: "main.yaml"), folder.appending(path: "keys.yaml"))
        let other = String(repeating: "12", count: 32)
        try "api_keys: [{name: b, hash: \(other)}]\n".write(to: keys, atomically: true, encoding: .utf8)
        try "api_keys: [{name: a, hash: \(Self.hash)}]\napi_keys_file: \(keys.path)\n"
            .write(to: main, atomically: true, encoding: .utf8)
        let loaded = try ServerConfiguration.load(file: main.path, arguments: [:])
        #expect(loaded.operation.keys?.keys.map(\.name) == ["a", "b"])
        for bad in ["port: 1\n", "api_keys: [{name: a, hash: \(other)}]\n", "- a\n", ""] {
            try bad.write(to: keys, atomically: true, encoding: .utf8)
            #expect(throws: ConfigurationError.self) { try loaded.reloaded() }
        }
        try FileManager.default.removeItem(at: keys)
        #expect(throws: ConfigurationError.self) { try loaded.reloaded() }
    }

    @Test(arguments: [
        ("127.0.0.1:9090", "127.0.0.1", 9090), ("[::1]:0", "[::1]", 0), ("unix:/run/k.sock", "unix:/run/k.sock", 0),
        ("localhost:1", "localhost", 1),
    ])
    func listenAddresses(text: String, host: String, port: Int) {
        #expect(ListenAddress(text)?.host == host)
        #expect(ListenAddress(text)?.port == port)
    }

    @Test(arguments: ["", "9090", ":9090", "::1:9090", "host:", "host:x", "host:70000", "unix:relative"])
    func whatIsNoListenAddress(text: String) { #expect(ListenAddress(text) == nil) }

    @Test(arguments: [
        ("tls_key: a.pem", "tls_key and tls_certificate"), ("metrics_listen: 9090", "ADDRESS:PORT"),
        ("cors_origins: example.org", "https://example.org"), ("cors_origins: 'https://a/b'", "cors_origins"),
        ("on_pool_full: wait", "queue, reject, shrink"), ("metrics_compat: sglang", "none, vllm"),
    ])
    func badSettingsOfOperation(yaml: String, words: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try configuration(yaml) }
        #expect(error.description.contains(words), "\(error)")
    }
}
