import HTTPFront
import TestSupport
import Testing

extension FrontTests {
    @Suite struct ConnectionTests {
        @Test func pipelinedRequestsAreAnsweredInOrder() throws {
            let front = try FrontFixture { exchange in
                if exchange.query == "late" {
                    _ = BackgroundThread { exchange.answer(exchange.path) }
                } else {
                    exchange.answer(exchange.path)
                }
            }
            let client = try front.connect()
            try client.send((0..<50).map { front.get("/\($0)\($0 % 3 == 0 ? "?late" : "")") }.joined())
            for index in 0..<50 {
                #expect(try client.readResponse().text == "/\(index)")
            }
        }

        @Test func connectionIsReusedUntilTheClientAsksForItsEnd() throws {
            let front = try FrontFixture { $0.answer($0.remoteAddress) }
            let client = try front.connect()
            let first = try client.exchange(front.get("/")).text
            for _ in 0..<20 {
                #expect(try client.exchange(front.post("/", "abc")).text == first)
            }
            #expect(front.server.connectionCount == 1)
            let last = try client.exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(last.header("connection") == "close")
            #expect(client.readToEnd().ending == .closed)
        }

        @Test func oldProtocolClosesUnlessAskedToKeep() throws {
            let front = try FrontFixture { $0.answer() }
            let closing = try front.connect()
            #expect(try closing.exchange("GET / HTTP/1.0\r\n\r\n").header("connection") == "close")
            #expect(closing.readToEnd().ending == .closed)
            let kept = try front.connect()
            for _ in 0..<3 {
                #expect(try kept.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").text == "ok")
            }
        }

        @Test func connectionsBeyondTheLimitWaitForAPlace() throws {
            let front = try FrontFixture { $0.maxConnections = 50 } handler: { $0.answer() }
            var clients = try (0..<80).map { _ in try front.connect() }
            for client in clients.prefix(50) {
                #expect(try client.exchange(front.get("/")).status == 200)
            }
            let waiting = clients[50]
            try waiting.send(front.get("/"))
            #expect(waiting.readToEnd(within: .milliseconds(250)).bytes.isEmpty)
            #expect(front.server.connectionCount == 50)
            clients[0].close()
            #expect(try waiting.readResponse().status == 200)
            for client in clients[1..<40] { client.close() }
            for client in clients[51...] {
                #expect(try client.exchange(front.get("/")).status == 200)
            }
            clients = []
            waiting.close()
            #expect(eventually { front.server.connectionCount == 0 })
        }

        @Test func idleConnectionsGiveWayWhenOthersWait() throws {
            let front = try FrontFixture { $0.maxConnections = 10 } handler: { $0.answer() }
            let idle = try (0..<10).map { _ in try front.connect() }
            for client in idle.dropFirst() { _ = try client.exchange(front.get("/")) }
            let newcomer = try front.connect()
            let start = ContinuousClock.now
            let response = try newcomer.exchange(front.get("/"))
            let time = start.duration(to: .now)
            #expect(response.status == 200)
            #expect(time > .milliseconds(500))
            #expect(time < .seconds(3))
            #expect(idle.contains { $0.readToEnd(within: .milliseconds(10)).ending == .closed })
        }

        @Test func upgradeToHTTP2IsNotOffered() throws {
            let front = try FrontFixture { $0.answer() }
            let response = try front.connect().exchange(
                "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                    + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
            #expect(response.status == 200)
            #expect(response.text == "ok")
        }

        @Test func connectionsThatBeginWithHTTP2AreNoHTTP2() throws {
            let front = try FrontFixture { $0.answer() }
            let client = try front.connect()
            // The preface, and an empty SETTINGS frame.
            try client.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0])
            let end = client.readToEnd(within: .seconds(5))
            #expect(end.ending != .stillOpen)
            #expect(!end.bytes.starts(with: [0, 0]), "an HTTP/2 frame")
            #expect(front.isServing())
        }

        @Test func manyConnectionsAtOnceAreServed() throws {
            let exchanges = Recorder<HTTPExchange>()
            let front = try FrontFixture { exchanges.append($0) }
            let clients = try (0..<400).map { _ in try front.connect() }
            for client in clients { try client.send(front.get("/")) }
            #expect(exchanges.wait(for: 400).count == 400)
            for exchange in exchanges.values { exchange.answer() }
            for client in clients { #expect(try client.readResponse().status == 200) }
        }

        @Test func severalLoopThreadsShareTheListener() throws {
            let front = try FrontFixture { $0.loopThreads = 3 } handler: { exchange in
                _ = BackgroundThread { exchange.answer() }
            }
            let clients = try (0..<30).map { _ in try front.connect() }
            for _ in 0..<5 {
                for client in clients { try client.send(front.get("/")) }
                for client in clients { #expect(try client.readResponse().status == 200) }
            }
            #expect(front.server.stop(grace: .seconds(1)) == 0)
        }

        @Test(arguments: ["::1", "[::1]", "::"])
        func listensOnIPv6(host: String) throws {
            let remote = Recorder<String>()
            let front: FrontFixture
            do {
                front = try FrontFixture { $0.host = host } handler: { exchange in
                    remote.append(exchange.remoteAddress)
                    exchange.answer()
                }
            } catch FrontError.cannotListen {
                return print("no IPv6 on this machine: skipped")
            }
            let client = try SocketClient(port: front.server.port, host: "::1")
            #expect(try client.exchange(front.get("/")).status == 200)
            #expect(remote.values.first?.hasPrefix("[::1]:") == true)
            if host == "::" { #expect(front.isServing()) }
        }

        @Test(arguments: ["localhost", "0.0.0.0", "127.0.0.1"])
        func listensOnIPv4(host: String) throws {
            let front = try FrontFixture { $0.host = host } handler: { $0.answer() }
            #expect(front.isServing())
        }

        @Test func listensOnAUnixSocketAndRemovesIt() throws {
            let path = "/tmp/front-test-\(UInt64.random(in: 0...(.max))).socket"
            for _ in 0..<2 {
                let closed = Recorder<CloseReason>()
                let pending = Recorder<HTTPExchange>()
                let front = try FrontFixture { $0.host = "unix:" + path } handler: { exchange in
                    exchange.onClosed { closed.append($0) }
                    guard exchange.path != "/pending" else { return pending.append(exchange) }
                    exchange.answer(exchange.remoteAddress)
                }
                #expect(front.server.port == 0)
                let client = try SocketClient(unixPath: path)
                #expect(try client.exchange(front.get("/")).text == "unix")
                #expect(closed.wait(for: 1) == [.complete])
                try client.send(front.get("/pending"))
                #expect(pending.wait(for: 1).count == 1)
                client.close()
                #expect(closed.wait(for: 2) == [.complete, .clientGone])
                front.server.stop(grace: .zero)
                #expect(throws: SocketClientError.self) { try SocketClient(unixPath: path) }
            }
        }

        @Test func addressInUseIsReported() throws {
            let front = try FrontFixture { $0.answer() }
            let error = #expect(throws: FrontError.self) {
                try FrontFixture { $0.port = front.server.port } handler: { $0.answer() }
            }
            #expect(error?.description.contains("port \(front.server.port): Address already in use") == true)
            #expect(front.isServing())
        }

        @Test(arguments: ["", "example.com", "1.2.3.4.5", "256.0.0.1", "unix:relative", "unix:", "[::1", "a\0b"])
        func hostThatIsNoAddressIsReported(host: String) {
            #expect(throws: FrontError.badHost(host)) {
                try FrontFixture { $0.host = host } handler: { $0.answer() }
            }
        }

        @Test func limitsThatMakeNoSenseAreReported() {
            func expectRefused(_ name: String, _ adjust: @escaping (inout FrontConfiguration) -> Void) {
                let error = #expect(throws: FrontError.self) { try FrontFixture(adjust) { $0.answer() } }
                #expect(error?.description.hasPrefix(name) == true)
            }
            expectRefused("port") { $0.port = 65536 }
            expectRefused("port") { $0.port = -1 }
            expectRefused("loopThreads") { $0.loopThreads = 0 }
            expectRefused("maxBodyBytes") { $0.maxBodyBytes = 0 }
            expectRefused("maxHeaderBytes") { $0.maxHeaderBytes = 1 << 20 }
            expectRefused("maxConnections") { $0.maxConnections = 0 }
            expectRefused("requestTimeout") { $0.requestTimeout = .zero }
            expectRefused("idleTimeout") { $0.idleTimeout = .seconds(-1) }
            expectRefused("writeStallTimeout") { $0.writeStallTimeout = .seconds(1 << 60) }
        }
    }
}
