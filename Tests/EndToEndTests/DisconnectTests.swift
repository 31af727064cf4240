import Foundation
import JSON
import TestSupport
import Testing

/// Clients that leave at any moment cost nothing that stays.
@Suite struct DisconnectTests {
    /// 2,000 requests, or as many as `KEYHOLD_SOAK_REQUESTS` says.
    private static let requestCount =
        ProcessInfo.processInfo.environment["KEYHOLD_SOAK_REQUESTS"].flatMap { Int($0) } ?? 2000

    private static let isSanitized = ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains {
        ProcessInfo.processInfo.environment[$0] != nil
    }

    @Test func memoryAndDescriptorsStayFlat() throws {
        let server = try ServerUnderTest(["--threads", "1", "--max-queue", "64", "--log-level", "error"])
        var random = SeededRandom(seed: 7)
        try Self.soak(server, requests: 200, &random)
        #expect(try server.idlePoolBytes() == 0)
        sleepMilliseconds(300)
        let (memory, descriptors) = (server.residentBytes, server.descriptorCount)
        try Self.soak(server, requests: Self.requestCount, &random)
        #expect(try server.idlePoolBytes() == 0)
        sleepMilliseconds(300)
        #expect(server.descriptorCount <= descriptors + 4, "\(descriptors) before, \(server.descriptorCount) after")
        // The allocator keeps what the busiest moment needed; a leak per request would grow with their number. A
        // sanitizer keeps freed memory on purpose, and finds leaks in its own way.
        let growth = server.residentBytes - memory
        #expect(growth < 16 << 20 || Self.isSanitized, "\(growth) bytes in \(Self.requestCount) requests")
        #expect(server.isRunning)
        #expect(try server.complete(["prompt": "Once", "max_tokens": 2]).status == 200)
    }

    @Test func aClientThatLeavesFreesItsSequenceWhileItDecodes() throws {
        let server = try ServerUnderTest(["--threads", "1"])
        for isStreamed in [true, false] {
            let client = try server.client()
            let body: JSONValue = [
                "prompt": "Once", "max_tokens": 1900, "ignore_eos": true, "stream": .bool(isStreamed), "temperature": 0,
            ]
            try client.send(ServerUnderTest.request("/v1/completions", body.serialized()))
            while try server.metric("keyhold_requests_running") != 1 { sleepMilliseconds(5) }
            client.close()
            let start = ContinuousClock.now
            while try server.metric("keyhold_requests_running") != 0 { sleepMilliseconds(5) }
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(try server.idlePoolBytes() == 0)
        }
        #expect(try server.metric("keyhold_client_disconnects_total") == 2)
        // The stream had its status line, the whole answer had none.
        for code in [200, 499] {
            let series =
                #"keyhold_requests_total{endpoint="/v1/completions",code="\#(code)","#
                + #"finish_reason="cancelled",policy="keyformer"}"#
            for _ in 0..<200 where try server.metric(series) != 1 { sleepMilliseconds(10) }
            #expect(try server.metric(series) == 1, "\(series)")
        }
    }

    /// Up to 24 clients at once; each sends a request, some of them only a part, and leaves at a random moment.
    private static func soak(_ server: ServerUnderTest, requests: Int, _ random: inout SeededRandom) throws {
        var open: [SocketClient] = []
        for _ in 0..<requests {
            let client = try server.client()
            let body: JSONValue = [
                "prompt": .array((0..<Int.random(in: 1...40, using: &random)).map { .integer(300 + $0) }),
                "max_tokens": .integer(Int.random(in: 1...12, using: &random)),
                "stream": .bool(Bool.random(using: &random)),
                "n": .integer(Int.random(in: 1...2, using: &random)),
                "kv_cache": ["budget_tokens": .integer(Int.random(in: 4...64, using: &random))],
            ]
            let request = ServerUnderTest.request("/v1/completions", body.serialized())
            switch Int.random(in: 0...4, using: &random) {
            case 0: try client.send(Array(request.prefix(Int.random(in: 1..<request.count, using: &random))))
            default: try client.send(request)
            }
            open.append(client)
            guard open.count == 24 else { continue }
            for _ in 0..<12 { try leave(open.remove(at: Int.random(in: 0..<open.count, using: &random)), &random) }
        }
        for client in open { try leave(client, &random) }
    }

    private static func leave(_ client: SocketClient, _ random: inout SeededRandom) throws {
        switch Int.random(in: 0...3, using: &random) {
        case 0: client.close()
        case 1: client.reset()
        case 2:
            client.shutdownSending()
            sleepMilliseconds(1)
            client.close()
        default:
            client.timeout = .milliseconds(20)
            _ = try? client.readHead()
            client.close()
        }
    }
}
