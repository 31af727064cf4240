import HTTPFront
import TestSupport
import Testing

extension FrontTests {
    /// A client that leaves is noticed within 100 ms, whatever the server is doing for it.
    @Suite struct DisconnectTests {
        let closed = Recorder<(reason: CloseReason, at: ContinuousClock.Instant)>()
        let exchanges = Recorder<HTTPExchange>()
        let streams = Recorder<HTTPStream>()

        enum Farewell: CaseIterable { case close, reset, halfClose }

        private func fixture() throws -> FrontFixture {
            try FrontFixture { [closed, exchanges, streams] exchange in
                if exchange.path == "/ok" { return exchange.answer() }
                exchange.onClosed { closed.append(($0, .now)) }
                if exchange.path == "/stream" { streams.append(exchange.startEvents()) }
                exchanges.append(exchange)
            }
        }

        private func leave(_ client: SocketClient, _ farewell: Farewell) -> ContinuousClock.Instant {
            let now = ContinuousClock.now
            switch farewell {
            case .close: client.close()
            case .reset: client.reset()
            case .halfClose: client.shutdownSending()
            }
            return now
        }

        private func expectNoticed(since start: ContinuousClock.Instant) throws {
            let end = try #require(closed.wait(for: 1).first)
            #expect(end.reason == .clientGone)
            #expect(start.duration(to: end.at) < .milliseconds(100))
            #expect(closed.values.count == 1)
        }

        @Test(arguments: Farewell.allCases)
        func leavingIsNoticedWhileTheAnswerIsPending(farewell: Farewell) throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send(front.get("/"))
            let exchange = try #require(exchanges.wait(for: 1).first)
            try expectNoticed(since: leave(client, farewell))
            #expect(exchange.respond(status: 200, headers: [], body: [65]) == false)
            #expect(exchange.startEvents().write("x") == .closed)
            #expect(front.isServing())
        }

        @Test(arguments: Farewell.allCases)
        func leavingIsNoticedWhileAStreamIsSilent(farewell: Farewell) throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send(front.get("/stream"))
            let stream = try #require(streams.wait(for: 1).first)
            stream.write("data: 1\n\n")
            _ = try client.readHead()
            try expectNoticed(since: leave(client, farewell))
            #expect(stream.write("x") == .closed)
            #expect(front.isServing())
        }

        @Test(arguments: Farewell.allCases)
        func leavingIsNoticedWhileBytesWaitForTheClient(farewell: Farewell) throws {
            let front = try fixture()
            let client = try SocketClient(port: front.server.port, receiveBufferBytes: 4096)
            try client.send(front.get("/stream"))
            let stream = try #require(streams.wait(for: 1).first)
            let piece = [UInt8](repeating: 120, count: 1 << 18)
            for _ in 0..<15 { stream.write(piece) }
            try expectNoticed(since: leave(client, farewell))
            #expect(stream.write(piece) == .closed)
        }

        /// The documented choice: half-closed is gone. Such a client is told so.
        @Test func halfClosedClientGetsA499() throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send(front.get("/"))
            _ = exchanges.wait(for: 1)
            client.shutdownSending()
            let response = try client.readResponse()
            #expect(response.status == 499)
            #expect(response.text.hasSuffix(#""code":499}}"#))
            #expect(client.readToEnd().ending == .closed)
        }

        @Test func halfClosedClientStillGetsAnAnswerThatIsGivenAtOnce() throws {
            let front = try fixture()
            for _ in 0..<20 {
                let client = try front.connect()
                try client.send(front.get("/ok"))
                client.shutdownSending()
                #expect(try client.readResponse().status == 200)
            }
        }

        @Test func clientThatLeavesWhileUploadingIsForgotten() throws {
            let front = try fixture()
            for farewell in Farewell.allCases {
                let client = try front.connect()
                try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
                _ = leave(client, farewell)
                #expect(eventually(within: .seconds(1)) { front.server.connectionCount == 0 })
            }
            #expect(exchanges.values.isEmpty)
        }

        @Test func manyClientsLeavingTogetherAreAllNoticed() throws {
            let front = try fixture()
            let clients = try (0..<200).map { index in
                let client = try front.connect()
                try client.send(front.get(index % 2 == 0 ? "/" : "/stream"))
                return client
            }
            #expect(exchanges.wait(for: 200).count == 200)
            let start = ContinuousClock.now
            for client in clients { client.close() }
            let ends = closed.wait(for: 200)
            #expect(ends.count == 200)
            #expect(ends.allSatisfy { $0.reason == .clientGone })
            #expect(ends.allSatisfy { start.duration(to: $0.at) < .milliseconds(300) })
            #expect(eventually { front.server.connectionCount == 0 })
        }

        @Test func failedTransferOfACompleteAnswerIsNotCalledComplete() throws {
            let front = try FrontFixture { [closed] exchange in
                exchange.onClosed { closed.append(($0, .now)) }
                exchange.respond(status: 200, headers: [], body: [UInt8](repeating: 120, count: 8 << 20))
            }
            let client = try SocketClient(port: front.server.port, receiveBufferBytes: 4096)
            try client.send(front.get("/"))
            _ = try client.readHead()
            client.reset()
            #expect(closed.wait(for: 1).first?.reason == .clientGone)
        }
    }
}
