import HTTPFront
import Synchronization
import TestSupport
import Testing

extension FrontTests {
    @Suite struct TimeoutTests {
        let closed = Recorder<CloseReason>()

        /// Sends the text, then a byte every 20 ms, and returns how long the server bore it.
        private func drip(after text: String, into front: FrontFixture) throws -> (SocketClient, Duration) {
            let client = try front.connect()
            try client.send(text)
            let clock = ContinuousClock()
            let time = clock.measure {
                while (try? client.send("x")) != nil {
                    client.timeout = .milliseconds(20)
                    if (try? client.read(count: 1)) != nil { break }
                }
            }
            return (client, time)
        }

        @Test(arguments: [
            "GET / HTTP/1.1\r\nHost: x\r\nA: ", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n",
        ])
        func drippingRequestIsCutAfterTheRequestTimeout(start: String) throws {
            let front = try FrontFixture { $0.requestTimeout = .milliseconds(400) } handler: { $0.answer() }
            let (client, time) = try drip(after: start, into: front)
            #expect(time > .milliseconds(350))
            #expect(time < .milliseconds(1500))
            client.timeout = .seconds(1)
            let rest = String(decoding: client.readToEnd().bytes, as: UTF8.self)
            #expect(rest.hasPrefix("TTP/1.1 408 "))
            #expect(rest.hasSuffix(#""code":408}}"#))
            #expect(front.isServing())
        }

        @Test func silentAndIdleConnectionsAreClosedAfterTheIdleTimeout() throws {
            let front = try FrontFixture { $0.idleTimeout = .milliseconds(300) } handler: { $0.answer() }
            let silent = try front.connect()
            let idle = try front.connect()
            _ = try idle.exchange(front.get("/"))
            #expect(silent.readToEnd(within: .seconds(2)).ending == .closed)
            #expect(idle.readToEnd(within: .seconds(2)).ending == .closed)
            #expect(eventually { front.server.connectionCount == 0 })
        }

        @Test func pendingAnswerIsNotBoundByTheRequestTimeout() throws {
            let front = try FrontFixture {
                $0.requestTimeout = .milliseconds(100)
                $0.idleTimeout = .milliseconds(100)
                $0.writeStallTimeout = .milliseconds(100)
            } handler: { exchange in
                _ = BackgroundThread {
                    eventually(within: .milliseconds(1600)) { false }
                    exchange.answer("late")
                }
            }
            #expect(try front.connect().exchange(front.get("/")).text == "late")
        }

        /// A silent stream is not a stalled one: nothing waits for the client.
        @Test func silentStreamIsNotCut() throws {
            let streams = Recorder<HTTPStream>()
            let front = try FrontFixture {
                $0.writeStallTimeout = .milliseconds(100)
                $0.idleTimeout = .milliseconds(100)
            } handler: { streams.append($0.startEvents()) }
            let client = try front.connect()
            try client.send(front.get("/"))
            _ = try client.readHead()
            eventually(within: .milliseconds(500)) { false }
            let stream = try #require(streams.values.first)
            #expect(stream.write("late") != .closed)
            stream.finish()
            #expect(try client.readChunk() == Array("late".utf8))
        }

        @Test func clientThatStopsReadingIsCutAndTheQueueFreed() throws {
            let streams = Recorder<HTTPStream>()
            let front = try FrontFixture {
                $0.writeStallTimeout = .milliseconds(300)
                $0.maxQueuedBytes = 64 << 20
            } handler: { [closed] exchange in
                exchange.onClosed { closed.append($0) }
                streams.append(exchange.startEvents())
            }
            let client = try SocketClient(port: front.server.port, receiveBufferBytes: 4096)
            try client.send(front.get("/"))
            let stream = try #require(streams.wait(for: 1).first)
            let piece = [UInt8](repeating: 120, count: 1 << 20)
            for _ in 0..<16 { stream.write(piece) }
            #expect(closed.wait(for: 1, within: .seconds(5)) == [.clientGone])
            #expect(stream.write(piece) == .closed)
        }

        /// Any byte taken renews the patience, although the kernel asks for more only after a megabyte or so.
        @Test func slowReaderThatKeepsReadingIsNotCut() throws {
            let front = try FrontFixture {
                $0.writeStallTimeout = .milliseconds(400)
            } handler: { [closed] exchange in
                exchange.onClosed { closed.append($0) }
                exchange.respond(status: 200, headers: [], body: [UInt8](repeating: 120, count: 8 << 20))
            }
            let client = try SocketClient(port: front.server.port, receiveBufferBytes: 32768)
            try client.send(front.get("/"))
            let length = Int(try client.readHead().header("content-length") ?? "") ?? 0
            var received = 0
            for _ in 0..<40 {
                received += try client.read(count: 20_000).count
                eventually(within: .milliseconds(50)) { false }
            }
            #expect(try client.read(count: length - received).count == (8 << 20) - received)
            #expect(closed.wait(for: 1) == [.complete])
        }
    }
}
