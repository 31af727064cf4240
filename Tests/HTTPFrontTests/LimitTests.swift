import Foundation
import HTTPFront
import TestSupport
import Testing

extension FrontTests {
    /// Limits on what a request may carry, and requests that no honest client sends.
    @Suite struct LimitTests {
        let handled = Recorder<String>()
        let refused = Recorder<Int>()

        private func fixture(_ adjust: (inout FrontConfiguration) -> Void = { _ in }) throws -> FrontFixture {
            try FrontFixture {
                $0.maxBodyBytes = 100_000
                $0.onRefusal = { [refused] in refused.append($0) }
                adjust(&$0)
            } handler: { [handled] exchange in
                handled.append(exchange.path)
                exchange.answer("\(exchange.body.count)")
            }
        }

        private func expectRefusal(
            _ response: SocketResponse, _ status: Int, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(response.status == status, sourceLocation: sourceLocation)
            #expect(refused.values.last == status, sourceLocation: sourceLocation)
            #expect(response.header("content-type") == "application/json", sourceLocation: sourceLocation)
            #expect(response.text.hasPrefix(#"{"error":{"message":""#), sourceLocation: sourceLocation)
            #expect(response.text.hasSuffix(#","code":\#(status)}}"#), sourceLocation: sourceLocation)
        }

        // MARK: Connections

        /// Whether the server closes the connection without a byte.
        private func isTurnedAway(_ front: FrontFixture) throws -> Bool {
            try isTurnedAway(try front.connect(), front)
        }

        private func isTurnedAway(_ client: SocketClient, _ front: FrontFixture) throws -> Bool {
            // Sending may fail already.
            try? client.send(front.get("/"))
            guard (try? client.readResponse()) == nil else { return false }
            return client.readToEnd(within: .seconds(2)).ending != .stillOpen
        }

        /// Waits until the server has seen that connections are gone.
        private func settle(_ front: FrontFixture, at count: Int) {
            for _ in 0..<2500 where front.server.connectionCount > count { Thread.sleep(forTimeInterval: 0.002) }
        }

        @Test func anAddressHasSoManyConnectionsAndNoMore() throws {
            let front = try fixture {
                $0.maxConnectionsPerAddress = 3
                $0.sparesLoopback = false
            }
            var clients = try (0..<3).map { _ in try front.connect() }
            for client in clients { #expect(try client.exchange(front.get("/")).status == 200) }
            for _ in 0..<200 { #expect(try isTurnedAway(front)) }
            #expect(refused.wait(for: 200).count == 200)
            #expect(refused.values.allSatisfy { $0 == 429 })
            // The others go on, and one that ends makes room for one.
            for client in clients { #expect(try client.exchange(front.get("/")).status == 200) }
            clients.removeLast().close()
            settle(front, at: 2)
            let newcomer = try front.connect()
            #expect(try newcomer.exchange(front.get("/")).status == 200)
            #expect(try isTurnedAway(front))
        }

        /// More addresses than the table has places for without collisions, coming and going in any order.
        @Test func eachAddressIsCountedByItself() throws {
            let front = try fixture {
                $0.maxConnections = 128
                $0.maxConnectionsPerAddress = 2
                $0.sparesLoopback = false
            }
            var random = SeededRandom(seed: 5)
            var open: [String: [SocketClient]] = [:]
            var count = 0
            var findings: [String] = []
            for turn in 0..<1200 {
                let address = "127.\(random.next() % 3).\(random.next() % 5).\(random.next() % 8 + 1)"
                let holds = open[address, default: []].count
                let isFull = count >= 120
                if isFull || (holds > 0 && random.next() % 3 == 0) {
                    let leaving = holds > 0 ? address : open.first { !$0.value.isEmpty }?.key ?? address
                    open[leaving]?.removeLast().close()
                    count -= 1
                    settle(front, at: count)
                    continue
                }
                let client = try SocketClient(port: front.server.port, source: address)
                let isRefused = try isTurnedAway(client, front)
                if isRefused != (holds >= 2) { findings.append("turn \(turn): \(address) with \(holds)") }
                if isRefused { continue }
                open[address, default: []].append(client)
                count += 1
            }
            #expect(findings == [])
            #expect(!refused.values.isEmpty && refused.values.allSatisfy { $0 == 429 })
        }

        @Test func addressesOfThisMachineAreSpared() throws {
            let front = try fixture { $0.maxConnectionsPerAddress = 1 }
            let clients = try (0..<8).map { _ in try front.connect() }
            for client in clients { #expect(try client.exchange(front.get("/")).status == 200) }
            #expect(refused.values.isEmpty)
        }

        // MARK: Bodies

        @Test func bodyOfExactlyTheLimitIsServed() throws {
            let front = try fixture()
            let client = try front.connect()
            let body = String(repeating: "b", count: 100_000)
            #expect(try client.exchange(front.post("/", body)).text == "100000")
            try client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            try client.send("186a0\r\n\(body)\r\n0\r\n\r\n")
            #expect(try client.readResponse().text == "100000")
        }

        @Test func bodyOneByteOverTheLimitIsRefusedAndTheConnectionStaysUsable() throws {
            let front = try fixture()
            let client = try front.connect()
            expectRefusal(try client.exchange(front.post("/", String(repeating: "b", count: 100_001))), 413)
            #expect(try client.exchange(front.get("/after")).status == 200)
            #expect(handled.values == ["/after"])
        }

        /// The client uploads everything before it reads. Without a lingering close it would see a reset, no 413.
        @Test func clientThatPushesAHugeBodyStillReadsThe413() throws {
            let front = try fixture()
            for _ in 0..<10 {
                let client = try front.connect()
                try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n")
                try client.send([UInt8](repeating: 98, count: 3_000_000))
                expectRefusal(try client.readResponse(), 413)
                #expect(client.readToEnd().ending == .closed)
            }
            #expect(handled.values.isEmpty)
            #expect(front.isServing())
        }

        @Test func announcedHugeBodyIsRefusedBeforeItIsSent() throws {
            let front = try fixture()
            for expectation in ["", "Expect: 100-continue\r\n"] {
                let client = try front.connect()
                try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\(expectation)\r\n")
                expectRefusal(try client.readResponse(), 413)
                #expect(client.readToEnd().ending == .closed)
            }
        }

        @Test func endlessChunkedBodyIsRefused() throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<100 { try client.send("2710\r\n\(String(repeating: "c", count: 10000))\r\n") }
            expectRefusal(try client.readResponse(), 413)
            #expect(handled.values.isEmpty)
            #expect(front.isServing())
        }

        // MARK: Heads

        @Test func headOverTheLimitIsRefused() throws {
            let front = try fixture { $0.maxHeaderBytes = 2000 }
            func request(fieldLength: Int) -> String {
                "GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: fieldLength))\r\n\r\n"
            }
            let fits = try front.connect()
            #expect(try fits.exchange(request(fieldLength: 1900)).status == 200)
            let fieldTooLong = try front.connect()
            expectRefusal(try fieldTooLong.exchange(request(fieldLength: 2000)), 431)
            #expect(fieldTooLong.readToEnd().ending == .closed)
            let targetTooLong = try front.connect()
            expectRefusal(try targetTooLong.exchange(front.get("/" + String(repeating: "a", count: 2000))), 431)
            #expect(handled.values == ["/"])
        }

        @Test func headThatNeverEndsIsRefusedSoonAfterTheLimit() throws {
            let front = try fixture { $0.maxHeaderBytes = 2000 }
            let client = try front.connect()
            try client.send("GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 3000))")
            client.timeout = .milliseconds(600)
            expectRefusal(try client.readResponse(), 431)
            #expect(client.readToEnd().ending == .closed)
        }

        @Test func headBeyondTheLibrarysOwnLimitIsRefused() throws {
            let front = try fixture()
            let client = try front.connect()
            try? client.send("GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 600_000))\r\n\r\n")
            let (bytes, ending) = client.readToEnd()
            #expect(ending != .stillOpen)
            #expect(!String(decoding: bytes, as: UTF8.self).contains(" 200 "))
            #expect(handled.values.isEmpty)
            #expect(front.isServing())
        }

        @Test func moreThanAHundredFieldsAreRefused() throws {
            let front = try fixture()
            let fields = (0..<101).map { "h\($0): v\r\n" }.joined()
            #expect(try front.connect().exchange("GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n").status == 400)
            let most = (0..<99).map { "h\($0): v\r\n" }.joined()
            #expect(try front.connect().exchange("GET / HTTP/1.1\r\nHost: x\r\n\(most)\r\n").status == 200)
        }

        // MARK: Framing that proxies and h2o would read differently

        @Test(arguments: [
            ("length beside chunked", "Host: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("chunked beside length", "Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
            ("two lengths that differ", "Host: x\r\nContent-Length: 1\r\nContent-Length: 3\r\n\r\nabc"),
            ("two equal lengths", "Host: x\r\ncontent-length: 1\r\nCONTENT-LENGTH: 1\r\n\r\na"),
            ("list of lengths", "Host: x\r\nContent-Length: 1, 1\r\n\r\na"),
            ("two codings", "Host: x\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("coding we cannot", "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            ("no host", "\r\n"),
            ("two hosts", "Host: x\r\nHost: x\r\n\r\n"),
            ("folded line", "Host: x\r\nA: b\r\n c\r\n\r\n"),
            ("folded length", "Host: x\r\nContent-Length:\r\n 3\r\n\r\nabc"),
            ("negative length", "Host: x\r\nContent-Length: -1\r\n\r\n"),
            ("signed length", "Host: x\r\nContent-Length: +1\r\n\r\na"),
            ("length that overflows", "Host: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
            ("empty length", "Host: x\r\nContent-Length:\r\n\r\n"),
            ("broken chunk size", "Host: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
        ])
        func ambiguousFramingIsRefusedAndTheConnectionClosed(name: String, rest: String) throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send("POST / HTTP/1.1\r\n" + rest + front.get("/smuggled"))
            expectRefusal(try client.readResponse(), 400)
            let (bytes, ending) = client.readToEnd()
            #expect(bytes.isEmpty)
            #expect(ending == .closed)
            #expect(handled.values.isEmpty)
        }

        @Test func oldProtocolNeedsNoHostButMayNotChunk() throws {
            let front = try fixture()
            #expect(try front.connect().exchange("GET / HTTP/1.0\r\n\r\n").status == 200)
            let chunked = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            expectRefusal(try front.connect().exchange(chunked), 400)
        }

        @Test func unknownExpectationIsRefused() throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: tea\r\n\r\nabc")
            expectRefusal(try client.readResponse(), 417)
            #expect(client.readToEnd().ending == .closed)
        }

        @Test func refusalOfAHeadRequestHasNoBody() throws {
            let front = try fixture()
            let client = try front.connect()
            let response = try client.exchange("HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
            #expect(response.status == 413)
            #expect(client.readToEnd().bytes.isEmpty)
        }

        @Test(arguments: [
            "\u{0}\u{1}\u{2}\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ])
        func headThatIsNoHTTPGetsA400(bytes: String) throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send(bytes)
            #expect(try client.readResponse().status == 400)
            #expect(client.readToEnd().ending != .stillOpen)
            #expect(handled.values.isEmpty)
        }
    }
}
