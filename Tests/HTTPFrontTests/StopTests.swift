import HTTPFront
import TestSupport
import Testing

extension FrontTests {
    @Suite struct StopTests {
        let closed = Recorder<CloseReason>()
        let exchanges = Recorder<HTTPExchange>()

        private func pendingFixture() throws -> FrontFixture {
            try FrontFixture { [closed, exchanges] exchange in
                if exchange.path == "/ok" { return exchange.answer() }
                exchange.onClosed { closed.append($0) }
                exchanges.append(exchange)
            }
        }

        @Test func stopWithoutConnectionsIsQuickAndRepeatable() throws {
            let front = try FrontFixture { $0.answer() }
            let time = ContinuousClock().measure {
                #expect(front.server.stop(grace: .seconds(10)) == 0)
                #expect(front.server.stop(grace: .seconds(10)) == 0)
            }
            #expect(time < .seconds(1))
            #expect(front.server.connectionCount == 0)
            #expect(front.server.port > 0)
            #expect(throws: SocketClientError.self) { try front.connect() }
        }

        @Test func idleConnectionsAreClosedAtOnce() throws {
            let front = try FrontFixture { $0.answer() }
            let fresh = try front.connect()
            let idle = try front.connect()
            _ = try idle.exchange(front.get("/"))
            #expect(eventually { front.server.connectionCount == 2 })
            let time = ContinuousClock().measure {
                #expect(front.server.stop(grace: .seconds(10)) == 0)
            }
            #expect(time < .seconds(1))
            #expect(fresh.readToEnd().ending == .closed)
            #expect(idle.readToEnd().ending == .closed)
        }

        @Test func pendingExchangesFinishWithinTheGrace() throws {
            let front = try pendingFixture()
            let clients = try (0..<10).map { _ in try front.connect() }
            for client in clients { try client.send(front.get("/")) }
            let pending = exchanges.wait(for: 10)
            let stopping = BackgroundThread { [server = front.server] in server.stop(grace: .seconds(10)) }
            #expect(eventually { (try? front.connect()) == nil })
            for exchange in pending { exchange.answer("finished") }
            for client in clients {
                let response = try client.readResponse()
                #expect(response.text == "finished")
                #expect(response.header("connection") == "close")
                #expect(client.readToEnd().ending == .closed)
            }
            #expect(stopping.value() == 0)
            #expect(closed.values == Array(repeating: .complete, count: 10))
        }

        @Test func exchangesBeyondTheGraceAreCut() throws {
            let front = try pendingFixture()
            let pending = try front.connect()
            try pending.send(front.get("/"))
            let uploading = try front.connect()
            try uploading.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
            _ = exchanges.wait(for: 1)
            #expect(eventually { front.server.connectionCount == 2 })
            eventually(within: .milliseconds(20)) { false }
            let time = ContinuousClock().measure {
                #expect(front.server.stop(grace: .milliseconds(200)) == 2)
            }
            #expect(time > .milliseconds(150))
            #expect(time < .seconds(2))
            #expect(closed.values == [.aborted])
            let response = try pending.readResponse()
            #expect(response.status == 503)
            #expect(response.text.hasPrefix(#"{"error":"#))
            #expect(uploading.readToEnd().ending != .stillOpen)
            #expect(exchanges.values.first?.respond(status: 200, headers: [], body: []) == false)
        }

        @Test func streamsBeyondTheGraceAreCutAlsoWhenTheClientDoesNotRead() throws {
            let streams = Recorder<HTTPStream>()
            let front = try FrontFixture { $0.maxQueuedBytes = 64 << 20 } handler: { [closed] exchange in
                exchange.onClosed { closed.append($0) }
                streams.append(exchange.startEvents())
            }
            let silent = try front.connect()
            try silent.send(front.get("/"))
            let stalled = try SocketClient(port: front.server.port, receiveBufferBytes: 4096)
            try stalled.send(front.get("/"))
            for stream in streams.wait(for: 2) { stream.write("x") }
            for _ in 0..<16 { streams.values.last?.write([UInt8](repeating: 120, count: 1 << 20)) }
            eventually(within: .milliseconds(20)) { false }
            let time = ContinuousClock().measure {
                #expect(front.server.stop(grace: .milliseconds(50)) == 2)
            }
            #expect(time < .seconds(2))
            #expect(closed.values == [.aborted, .aborted])
            #expect(silent.readToEnd().ending != .stillOpen)
            for stream in streams.values { #expect(stream.write("x") == .closed) }
        }

        /// Threads that write must never meet a loop that is gone.
        @Test func threadsMayKeepWritingThroughTheStop() throws {
            for round in 0..<20 {
                let writers = Recorder<BackgroundThread<Int>>()
                let front = try FrontFixture { $0.loopThreads = 1 + round % 2 } handler: { exchange in
                    let stream = exchange.startEvents()
                    writers.append(
                        BackgroundThread {
                            var count = 0
                            while stream.write("data: token\n\n") != .closed { count += 1 }
                            for _ in 0..<1000 { stream.write("late") }
                            stream.finish()
                            stream.abort()
                            return count
                        })
                }
                let clients = try (0..<4).map { _ in try front.connect() }
                for client in clients { try client.send(front.get("/")) }
                let started = writers.wait(for: 4)
                eventually(within: .milliseconds(round)) { false }
                // Fewer than four where a queue reached its limit before.
                #expect(front.server.stop(grace: .milliseconds(round % 3)) <= 4)
                for writer in started { #expect(writer.value() != nil) }
            }
        }

        @Test func answersRacingWithTheStopAreSafe() throws {
            for round in 0..<30 {
                let front = try FrontFixture { exchange in
                    _ = BackgroundThread { exchange.answer() }
                }
                let clients = try (0..<8).map { _ in try front.connect() }
                for client in clients { try client.send(front.get("/") + front.get("/")) }
                eventually(within: .microseconds(round * 100)) { false }
                front.server.stop(grace: .milliseconds(round % 4))
            }
        }

        @Test func concurrentStopsAllReturn() throws {
            let front = try pendingFixture()
            let client = try front.connect()
            try client.send(front.get("/"))
            _ = exchanges.wait(for: 1)
            let stops = (0..<4).map { _ in
                BackgroundThread { [server = front.server] in server.stop(grace: .milliseconds(50)) }
            }
            #expect(stops.compactMap { $0.value() }.sorted() == [0, 0, 0, 1])
        }

        @Test func serverThatIsDroppedStopsByItself() throws {
            let client: SocketClient
            do {
                let front = try pendingFixture()
                client = try front.connect()
                try client.send(front.get("/"))
                _ = exchanges.wait(for: 1)
            }
            #expect(closed.values == [.aborted])
            #expect(try client.readResponse().status == 503)
        }

        @Test func handlerIsReleasedWithTheServer() throws {
            final class Token: Sendable {}
            weak var released: Token?
            do {
                let token = Token()
                released = token
                let front = try FrontFixture { [token] exchange in
                    _ = token
                    exchange.answer()
                }
                #expect(front.isServing())
                #expect(released != nil)
            }
            #expect(released == nil)
        }
    }
}
