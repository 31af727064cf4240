import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ModelHub

/// Downloads from a hub on this machine.
@Suite struct ModelHubTests {
    private let folder: TemporaryFolder
    /// A megabyte that does not compress: several pieces of every pipe.
    private let weights: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        var random = SeededRandom(seed: 7)
        weights = (0..<(1 << 20)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private var repository: [String: [UInt8]] {
        ["model-Q8_0.gguf": weights, "model-Q4_0.gguf": Array(weights.reversed()), "README.md": Array("text".utf8)]
    }

    private func hub(_ server: FakeHub, token: String? = nil, isOffline: Bool = false) -> ModelHub {
        ModelHub(
            HubSettings(
                endpoint: server.endpoint, cache: folder.path + "/hub", token: token, isOffline: isOffline))
    }

    private func reference(_ file: String? = "Q8_0") throws -> HubReference {
        try HubReference("hf:owner/model" + (file.map { ":" + $0 } ?? ""))
    }

    /// Leaves `bytes` as an interrupted download of `name` leaves them.
    private func leave(_ bytes: some Sequence<UInt8>, of name: String, fetchedFrom server: FakeHub) throws {
        let cache = HubCache(hub(server).settings, try reference())
        try cache.prepare()
        let listing = try HubListing(FakeHub.listing(repository), repository: "owner/model")
        let file = try #require(listing.files.first { $0.path == name })
        try Data(bytes).write(to: URL(fileURLWithPath: cache.unfinished(file)))
    }

    @Test func aFileIsFetchedCheckedAndFoundAgain() throws {
        let server = try FakeHub(repository)
        let path = try hub(server).path(of: reference())
        #expect(path.hasSuffix("models--owner--model/snapshots/\(FakeHub.commit)/model-Q8_0.gguf"))
        #expect(TestFiles.bytes(of: path) == weights)
        #expect(server.sentBytes == weights.count)
        #expect(try hub(server).path(of: reference()) == path)
        #expect(server.sentBytes == weights.count, "fetched twice")
    }

    @Test func progressReachesTheSize() throws {
        let server = try FakeHub(repository)
        var last = 0
        _ = try hub(server).path(of: reference()) { progress in
            if case .fetching(_, let bytes, let total) = progress {
                #expect(bytes >= last && bytes <= total && total == weights.count)
                last = bytes
            }
        }
        #expect(last == weights.count)
    }

    @Test func aFolderIsFetchedWithoutWhatIsNotNeeded() throws {
        let server = try FakeHub([
            "model-00001-of-00002.safetensors": weights, "model-00002-of-00002.safetensors": [1, 2, 3],
            "model.safetensors.index.json": Array("{}".utf8), "config.json": Array("{\"a\":1}".utf8),
            "tokenizer.json": Array("{}".utf8), "pytorch_model.bin": weights, "consolidated.safetensors": weights,
        ])
        let path = try hub(server).path(of: reference(nil))
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        #expect(
            names == [
                "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                "model.safetensors.index.json", "tokenizer.json",
            ])
        #expect(TestFiles.bytes(of: path + "/config.json") == Array("{\"a\":1}".utf8))
    }

    @Test func anInterruptedDownloadGoesOnWhereItStopped() throws {
        let server = try FakeHub(repository, faults: .init(cutAfter: 300_000))
        // Each piece breaks off and the next one begins behind it.
        let path = try hub(server).path(of: reference())
        #expect(TestFiles.bytes(of: path) == weights)
        #expect(server.sentBytes == weights.count)
        #expect(server.calls.count { $0.contains("resolve") } == 4)
    }

    @Test func aLaterCallGoesOnToo() throws {
        let server = try FakeHub(repository)
        try leave(weights.prefix(900_000), of: "model-Q8_0.gguf", fetchedFrom: server)
        #expect(TestFiles.bytes(of: try hub(server).path(of: reference())) == weights)
        #expect(server.sentBytes == weights.count - 900_000)
    }

    @Test func aServerWithoutRangesIsAskedForAllOfIt() throws {
        let server = try FakeHub(repository, faults: .init(ignoresRanges: true))
        try leave(weights.prefix(1000), of: "model-Q8_0.gguf", fetchedFrom: server)
        #expect(TestFiles.bytes(of: try hub(server).path(of: reference())) == weights)
    }

    @Test func otherBytesThanPromisedAreThrownAway() throws {
        let server = try FakeHub(repository, faults: .init(isCorrupt: true))
        #expect {
            try hub(server).path(of: reference())
        } throws: { error in
            if case HubError.checksum(file: "model-Q8_0.gguf", _, _) = error { true } else { false }
        }
        let blobs = folder.path + "/hub/models--owner--model/blobs"
        #expect(try FileManager.default.contentsOfDirectory(atPath: blobs).isEmpty)
        server.set(.init())
        #expect(TestFiles.bytes(of: try hub(server).path(of: reference())) == weights)
    }

    @Test func aDamagedPartIsNoticed() throws {
        let server = try FakeHub(repository)
        try leave([UInt8](repeating: 0, count: 1000), of: "model-Q8_0.gguf", fetchedFrom: server)
        #expect(throws: HubError.self) { try hub(server).path(of: reference()) }
        #expect(TestFiles.bytes(of: try hub(server).path(of: reference())) == weights)
    }

    @Test func theTokenGoesToTheHubAlone() throws {
        let server = try FakeHub(repository, faults: .init(redirects: true))
        #expect(TestFiles.bytes(of: try hub(server, token: "secret").path(of: reference())) == weights)
        let calls = zip(server.calls, server.tokens)
        for (path, token) in calls {
            #expect(token == (path.hasPrefix("/storage/") ? nil : "Bearer secret"), "\(path)")
        }
        #expect(server.calls.contains { $0.hasPrefix("/storage/") })
    }

    @Test(arguments: [
        (401, HubError.forbidden(repository: "owner/model", hasToken: false)),
        (403, .forbidden(repository: "owner/model", hasToken: false)),
        (404, .notFound(repository: "owner/model", revision: "main")),
        (
            500,
            .unreachable(what: "the list of files of owner/model", reason: "the hub answered with status 500")
        ),
    ])
    func refusalsSayWhatToDo(status: Int, error: HubError) throws {
        let server = try FakeHub(repository, faults: .init(status: status))
        #expect(throws: error) { try hub(server).path(of: reference()) }
    }

    @Test func withoutTheHubTheCacheServes() throws {
        let server = try FakeHub(repository)
        let path = try hub(server).path(of: reference())
        let offline = hub(server, isOffline: true)
        #expect(try offline.path(of: reference()) == path)
        #expect(throws: HubError.self) { try offline.path(of: reference("Q4_0")) }
        server.stop()
        var reasons = 0
        #expect(
            try hub(server).path(of: reference()) {
                if case .usingCache = $0 { reasons += 1 }
            } == path)
        #expect(reasons == 1)
        #expect(throws: HubError.self) { try hub(server).path(of: reference("Q4_0")) }
    }

    @Test func aLostBlobIsFetchedAgain() throws {
        let server = try FakeHub(repository)
        let path = try hub(server).path(of: reference())
        try FileManager.default.removeItem(at: URL(fileURLWithPath: path).resolvingSymlinksInPath())
        #expect(throws: HubError.self) { try hub(server, isOffline: true).path(of: reference()) }
        #expect(TestFiles.bytes(of: try hub(server).path(of: reference())) == weights)
    }

    @Test func hostileNamesNeverLeaveTheCache() throws {
        let file = #""size":1,"blobId":"\#(FakeHub.commit)""#
        let listing = #"""
            {"sha":"\#(FakeHub.commit)","siblings":[
            {"rfilename":"../../x.gguf",\#(file)},{"rfilename":"/etc/x.gguf",\#(file)},
            {"rfilename":"a/../../x.gguf",\#(file)},{"rfilename":"a//x.gguf",\#(file)},
            {"rfilename":"a\nb.gguf",\#(file)}]}
            """#
        let server = try FakeHub(repository, faults: .init(listing: listing))
        #expect(throws: HubError.noModel(repository: "owner/model", available: [])) {
            try hub(server).path(of: reference(nil))
        }
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"sha":"main","siblings":[]}"#, #"{"sha":"\#(FakeHub.commit)"}"#,
        #"{"sha":"\#(FakeHub.commit)","siblings":[1]}"#,
        #"{"sha":"\#(FakeHub.commit)","siblings":[{"rfilename":"a.gguf"}]}"#,
        #"{"sha":"\#(FakeHub.commit)","siblings":[{"rfilename":"a.gguf","size":-1,"blobId":"\#(FakeHub.commit)"}]}"#,
        #"{"sha":"\#(FakeHub.commit)","siblings":[{"rfilename":"a.gguf","size":1,"blobId":"../../x"}]}"#,
    ])
    func aBrokenListIsAnError(listing: String) throws {
        let server = try FakeHub(repository, faults: .init(listing: listing))
        #expect {
            try hub(server).path(of: reference())
        } throws: { error in
            if case HubError.badListing = error { true } else { false }
        }
    }
}
