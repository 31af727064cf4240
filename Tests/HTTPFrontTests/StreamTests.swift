import HTTPFront
import TestSupport
import Testing

extension FrontTests {
    @Suite struct StreamTests {
        let closed = Recorder<CloseReason>()
        let streams = Recorder<HTTPStream>()

        private func fixture(_ adjust: (inout FrontConfiguration) -> Void = { _ in }) throws -> FrontFixture {
            try FrontFixture(adjust) { [closed, streams] exchange in
                exchange.onClosed { closed.append($0) }
                let status = exchange.query == "404" ? 404 : 200
                streams.append(exchange.startStream(status: status, headers: [("content-type", "text/event-stream")]))
            }
        }

        /// h2o keeps the head back until the first byte of the body.
        @Test func headIsSentBeforeTheFirstWrite() throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send(front.get("/"))
            client.timeout = .milliseconds(500)
            let head = try client.readHead()
            #expect(head.status == 200)
            #expect(head.header("transfer-encoding") == "chunked")
            #expect(head.header("content-length") == nil)
            #expect(closed.values.isEmpty)
        }

        @Test func eachWriteArrivesAtOnceAndTheConnectionIsKept() throws {
            let front = try fixture()
            let client = try front.connect()
            for round in 1...3 {
                try client.send(front.get("/"))
                _ = try client.readHead()
                let stream = try #require(streams.wait(for: round).last)
                for index in 0..<20 {
                    stream.write("data: \(index)\n\n")
                    #expect(try client.readChunk() == Array("data: \(index)\n\n".utf8))
                }
                stream.finish()
                #expect(try client.readChunk() == nil)
            }
            #expect(closed.wait(for: 3) == [.complete, .complete, .complete])
        }

        @Test func burstOfSmallWritesArrivesInOrderInFewPackets() throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send(front.get("/"))
            let stream = try #require(streams.wait(for: 1).first)
            let writer = BackgroundThread { [stream] in
                for index in 0..<20_000 { stream.write("\(index),") }
                stream.finish()
                return true
            }
            let text = try client.readResponse().text
            #expect(text == (0..<20_000).map { "\($0)," }.joined())
            #expect(writer.value() == true)
        }

        @Test func emptyWritesAndEmptyStreamsAreHarmless() throws {
            let front = try fixture()
            let client = try front.connect()
            for _ in 0..<3 {
                streams.removeAll()
                try client.send(front.get("/"))
                let stream = try #require(streams.wait(for: 1).first)
                #expect(stream.write("") == .queued(bytes: 0))
                stream.finish()
                #expect(stream.write("x") == .closed)
                #expect(try client.readResponse().body.isEmpty)
            }
        }

        @Test func queuedBytesAreReportedAndDrainIsCalled() throws {
            let front = try fixture {
                $0.drainThresholdBytes = 100_000
                $0.maxQueuedBytes = 64 << 20
            }
            let client = try SocketClient(port: front.server.port, receiveBufferBytes: 4096)
            try client.send(front.get("/"))
            let stream = try #require(streams.wait(for: 1).first)
            let drains = Recorder<Bool>()
            stream.onDrain { drains.append(true) }
            let piece = [UInt8](repeating: 120, count: 1 << 20)
            var last = WriteResult.closed
            for _ in 0..<16 { last = stream.write(piece) }
            let bytes = if case .queued(let bytes) = last { bytes } else { 0 }
            #expect(bytes > 1 << 20)
            #expect(bytes <= 16 << 20)
            #expect(drains.values.isEmpty)
            _ = try client.readHead()
            var received = 0
            while received < 16 << 20 { received += try client.readChunk()?.count ?? 0 }
            #expect(drains.wait(for: 1) == [true])
            #expect(stream.write("x") == .queued(bytes: 1))
            stream.finish()
            #expect(closed.wait(for: 1) == [.complete])
        }

        @Test func producerThatIgnoresTheQueueIsCutAtTheLimit() throws {
            let front = try fixture { $0.maxQueuedBytes = 1 << 20 }
            let client = try SocketClient(port: front.server.port, receiveBufferBytes: 4096)
            try client.send(front.get("/"))
            let stream = try #require(streams.wait(for: 1).first)
            let piece = [UInt8](repeating: 120, count: 1 << 18)
            var written = 0
            while written < 1000, stream.write(piece) != .closed { written += 1 }
            #expect(written < 1000)
            #expect(closed.wait(for: 1) == [.clientGone])
            #expect(front.server.connectionCount <= 1)
        }

        @Test func abortBreaksTheTransfer() throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send(front.get("/"))
            _ = try client.readHead()
            let stream = try #require(streams.wait(for: 1).first)
            stream.write("half")
            #expect(try client.readChunk() == Array("half".utf8))
            stream.abort()
            let (bytes, ending) = client.readToEnd()
            #expect(ending != .stillOpen)
            #expect(!String(decoding: bytes, as: UTF8.self).contains("0\r\n\r\n"))
            #expect(closed.wait(for: 1) == [.aborted])
            #expect(stream.write("x") == .closed)
        }

        @Test func abortDoesNotWaitForAClientThatDoesNotRead() throws {
            let front = try fixture { $0.maxQueuedBytes = 64 << 20 }
            let client = try SocketClient(port: front.server.port, receiveBufferBytes: 4096)
            try client.send(front.get("/"))
            let stream = try #require(streams.wait(for: 1).first)
            for _ in 0..<16 { stream.write([UInt8](repeating: 120, count: 1 << 20)) }
            eventually(within: .milliseconds(50)) { false }
            stream.abort()
            #expect(closed.wait(for: 1, within: .seconds(1)) == [.aborted])
        }

        @Test func lostStreamIsAborted() throws {
            let front = try FrontFixture { [closed] exchange in
                exchange.onClosed { closed.append($0) }
                exchange.startEvents().write("x")
            }
            let client = try front.connect()
            try client.send(front.get("/"))
            #expect(client.readToEnd().ending != .stillOpen)
            #expect(closed.wait(for: 1) == [.aborted])
        }

        @Test(arguments: ["GET /?404 HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"])
        func streamThatCannotBeChunkedEndsByClosing(request: String) throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send(request)
            let stream = try #require(streams.wait(for: 1).first)
            stream.write("one")
            stream.finish()
            let head = try client.readHead()
            #expect(head.header("connection") == "close")
            #expect(head.header("transfer-encoding") == nil)
            let (bytes, ending) = client.readToEnd()
            #expect(bytes == Array("one".utf8))
            #expect(ending == .closed)
            #expect(closed.wait(for: 1) == [.complete])
        }

        @Test func streamsOfManyThreadsDoNotMix() throws {
            let front = try FrontFixture { exchange in
                let stream = exchange.startEvents()
                _ = BackgroundThread {
                    for index in 0..<200 { stream.write("\(exchange.query)-\(index) ") }
                    stream.finish()
                }
            }
            let clients = try (0..<16).map { _ in try front.connect() }
            for (index, client) in clients.enumerated() { try client.send(front.get("/?c\(index)")) }
            for (index, client) in clients.enumerated() {
                #expect(try client.readResponse().text == (0..<200).map { "c\(index)-\($0) " }.joined())
            }
        }
    }
}
