import HTTPFront
import TestSupport
import Testing

extension FrontTests {
    @Suite struct AnswerTests {
        @Test(arguments: [200, 400, 404, 429, 500, 503, 599])
        func everyStatusHasContentLengthAndKeepsTheConnection(status: Int) throws {
            let front = try FrontFixture { $0.respond(status: status, headers: [("X-A", "1")], body: [65, 66]) }
            let client = try front.connect()
            for _ in 0..<3 {
                let response = try client.exchange(front.get("/"))
                #expect(response.status == status)
                #expect(response.headers("content-length") == ["2"])
                #expect(response.header("connection") == "keep-alive")
                #expect(response.header("x-a") == "1")
                #expect(response.text == "AB")
            }
        }

        @Test func emptyBodyHasLengthZero() throws {
            let front = try FrontFixture { $0.respond(status: 200, headers: [], body: []) }
            let client = try front.connect()
            for _ in 0..<3 {
                let response = try client.exchange(front.get("/"))
                #expect(response.header("content-length") == "0")
                #expect(response.body.isEmpty)
            }
        }

        @Test(arguments: [204, 304])
        func statusesWithoutBodySendNone(status: Int) throws {
            let front = try FrontFixture { $0.respond(status: status, headers: [], body: [65]) }
            let client = try front.connect()
            for _ in 0..<3 {
                let response = try client.exchange(front.get("/"))
                #expect(response.status == status)
                #expect(response.header("content-length") == nil)
            }
        }

        @Test func headGetsTheHeadOfGetAndNoBody() throws {
            let front = try FrontFixture { $0.answer("twelve bytes") }
            let client = try front.connect()
            for _ in 0..<3 {
                let response = try client.exchange("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(response.header("content-length") == "12")
            }
            #expect(try client.exchange(front.get("/")).text == "twelve bytes")
        }

        @Test func headOfAStreamEndsAtOnce() throws {
            let closed = Recorder<CloseReason>()
            let front = try FrontFixture { exchange in
                exchange.onClosed { closed.append($0) }
                let stream = exchange.startEvents()
                stream.write("data: 1\n\n")
                stream.finish()
            }
            let client = try front.connect()
            #expect(try client.exchange("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
            #expect(try client.exchange("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
            #expect(closed.wait(for: 2) == [.complete, .complete])
        }

        @Test func onlyTheFirstAnswerCounts() throws {
            let results = Recorder<Bool>()
            let front = try FrontFixture { exchange in
                results.append(exchange.respond(status: 200, headers: [], body: [65]))
                results.append(exchange.respond(status: 500, headers: [], body: [66]))
                let stream = exchange.startStream(status: 200, headers: [])
                results.append(stream.write("C") == .closed)
                stream.finish()
                stream.abort()
            }
            let client = try front.connect()
            for _ in 0..<2 {
                let response = try client.exchange(front.get("/"))
                #expect(response.status == 200)
                #expect(response.text == "A")
            }
            #expect(results.values == [true, false, true, true, false, true])
        }

        @Test func answerFromAnotherThreadArrives() throws {
            let front = try FrontFixture { exchange in
                _ = BackgroundThread { exchange.answer("from a thread") }
            }
            let client = try front.connect()
            for _ in 0..<100 {
                #expect(try client.exchange(front.get("/")).text == "from a thread")
            }
        }

        @Test func answerLargerThanAnySocketBufferArrivesWhole() throws {
            let body = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let front = try FrontFixture { $0.respond(status: 200, headers: [], body: body) }
            let client = try SocketClient(port: front.server.port, receiveBufferBytes: 65536)
            client.timeout = .seconds(60)
            #expect(try client.exchange(front.get("/")).body == body)
        }

        @Test(arguments: [
            ("x-a", "1\r\nx-b: 2"), ("x-a", "1\n"), ("x-a", "\0"), ("x a", "1"), ("", "1"), ("x:a", "1"),
            ("content-length", "5"), ("Transfer-Encoding", "chunked"), ("connection", "close"), ("x-\r\na", "1"),
        ])
        func illegalHeaderIsRefusedAndAnsweredWith500(name: String, value: String) throws {
            let results = Recorder<Bool>()
            let front = try FrontFixture { exchange in
                if exchange.path == "/stream" {
                    let stream = exchange.startStream(status: 200, headers: [("a", "b"), (name, value)])
                    results.append(stream.write("x") != .closed)
                } else {
                    results.append(exchange.respond(status: 200, headers: [("a", "b"), (name, value)], body: [65]))
                }
            }
            let client = try front.connect()
            for path in ["/", "/stream"] {
                let response = try client.exchange(front.get(path))
                #expect(response.status == 500)
                #expect(response.header("x-b") == nil)
                #expect(response.text.hasPrefix(#"{"error":"#))
            }
            #expect(results.values == [false, false])
        }

        @Test(arguments: [0, 100, 199, 600, -1, 1 << 40])
        func illegalStatusIsAnsweredWith500(status: Int) throws {
            let front = try FrontFixture { $0.respond(status: status, headers: [], body: [65]) }
            #expect(try front.connect().exchange(front.get("/")).status == 500)
        }

        @Test func lostExchangeIsAnsweredWith500() throws {
            let front = try FrontFixture { _ in }
            let client = try front.connect()
            for _ in 0..<2 {
                let response = try client.exchange(front.get("/"))
                #expect(response.status == 500)
                #expect(response.header("content-type") == "application/json")
            }
        }

        @Test func onClosedIsCalledOnceAlsoWhenRegisteredLate() throws {
            let closed = Recorder<CloseReason>()
            let exchanges = Recorder<HTTPExchange>()
            let front = try FrontFixture { exchange in
                exchange.onClosed { closed.append($0) }
                exchanges.append(exchange)
                exchange.answer()
            }
            _ = try front.connect().exchange(front.get("/"))
            #expect(closed.wait(for: 1) == [.complete])
            exchanges.values.first?.onClosed { closed.append($0) }
            #expect(closed.values == [.complete, .complete])
        }
    }
}
