import Foundation
import HTTPFront
import TestSupport
import Testing

extension FrontTests {
    @Suite struct RobustnessTests {
        /// Requests that fuzzing starts from.
        private static let seeds = [
            "GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n",
            "POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world",
            "POST /v1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n",
            "POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
            "HEAD /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            "GET /stream HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET http://x/%2e%2e/%zz?%00 HTTP/1.1\r\nHost: x\r\nA:\t b \r\n\r\n",
        ].map { Array($0.utf8) }

        private static let fragments = [
            "\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", ":", "\0", "%", "/../", "0\r\n\r\n",
            "Content-Length: 99999999\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n",
            "HTTP/1.1", "HTTP/1.9", "ffffffffffffffff\r\n",
            "Host: y\r\n", "Expect: 100-continue\r\n", "Connection: close\r\n", "\u{ff}",
        ].map { Array($0.utf8) }

        private static func mutated(_ generator: inout SeededGenerator) -> [UInt8] {
            var bytes = seeds.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 0...5, using: &generator) {
                let place = Int.random(in: 0...bytes.count, using: &generator)
                switch Int.random(in: 0...4, using: &generator) {
                case 0: bytes.insert(contentsOf: fragments.randomElement(using: &generator) ?? [], at: place)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                case 2 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 3 where place < bytes.count: bytes.removeSubrange(place..<min(bytes.count, place + 3))
                default: bytes += seeds.randomElement(using: &generator) ?? []
                }
            }
            return Array(bytes.prefix(Bool.random(using: &generator) ? bytes.count : bytes.count / 2))
        }

        /// The loop waits for the server's threads: its time is the wall's.
        @Test func mutatedRequestsNeverHarmTheServer() throws {
            let front = try FrontFixture {
                $0.maxBodyBytes = 1000
            } handler: { exchange in
                guard exchange.path == "/stream" else { return exchange.answer() }
                let stream = exchange.startEvents()
                stream.write("x")
                stream.finish()
            }
            let budget = FuzzBudget(of: .wall)
            var seed: UInt64 = 0
            while budget.isLeft {
                var generator = SeededGenerator(seed: seed)
                let client = try front.connect()
                for _ in 0..<4 { try? client.send(Self.mutated(&generator)) }
                switch seed % 4 {
                case 0: client.close()
                case 1: client.reset()
                case 2: client.shutdownSending()
                default: _ = client.readToEnd(within: .milliseconds(2))
                }
                if seed % 16 == 0 && !front.isServing() {
                    Issue.record("no answer any more after seed \(seed)")
                    return
                }
                seed += 1
            }
            budget.report("HTTP: \(seed) connections with four requests each")
            #expect(front.isServing())
            #expect(eventually { front.server.connectionCount == 0 })
            #expect(front.server.stop(grace: .seconds(1)) == 0)
        }

        /// A process of its own: other tests open files and take memory.
        @Test func tenThousandRequestsLeaveMemoryAndFilesFlat() async {
            await #expect(processExitsWith: .success) {
                let front = try FrontFixture { exchange in
                    guard exchange.path == "/stream" else { return exchange.answer() }
                    let stream = exchange.startEvents()
                    _ = BackgroundThread {
                        for _ in 0..<3 { stream.write("data: token\n\n") }
                        stream.finish()
                    }
                }
                let kept = try front.connect()
                func load(_ count: Int) throws {
                    for index in 0..<count {
                        if index % 10 == 0 {
                            let leaving = try front.connect()
                            try leaving.send(front.get("/stream"))
                            if index % 20 == 0 { leaving.reset() }
                        }
                        _ = try kept.exchange(index % 5 == 0 ? front.get("/stream") : front.post("/", "abc"))
                    }
                    precondition(eventually { front.server.connectionCount == 1 }, "connections are left")
                }
                try load(3000)
                let files = ProcessResources.openFileCount
                let bytes = ProcessResources.residentBytes
                try load(10_000)
                let grown = ProcessResources.residentBytes - bytes
                let leaked = ProcessResources.openFileCount - files
                precondition(leaked == 0, "\(leaked) files leaked")
                precondition(grown < 3 << 20 || ProcessResources.isAddressSanitized, "memory grew by \(grown) bytes")
            }
        }

        @Test func startsAndStopsLeaveNoFiles() async {
            await #expect(processExitsWith: .success) {
                func cycle() throws {
                    let front = try FrontFixture { $0.answer() }
                    precondition(front.isServing())
                    front.server.stop(grace: .seconds(1))
                    do {
                        _ = try FrontFixture {
                            $0.host = "203.0.113.1"
                        } handler: {
                            $0.answer()
                        }
                        preconditionFailure("nobody has this address")
                    } catch {}
                }
                try cycle()
                let files = ProcessResources.openFileCount
                for _ in 0..<50 { try cycle() }
                precondition(ProcessResources.openFileCount == files)
            }
        }

        @Test func serverSurvivesTheEndOfFileDescriptors() async {
            await #expect(processExitsWith: .success) {
                let front = try FrontFixture { $0.answer() }
                precondition(front.isServing())
                let first = try front.connect()
                ProcessResources.limitOpenFiles(to: ProcessResources.openFileCount + 31)
                var clients: [SocketClient] = []
                while let client = try? front.connect() { clients.append(client) }
                precondition(clients.count >= 10, "\(clients.count) clients")
                let standing = try first.exchange(front.get("/"))
                precondition(standing.status == 200, "a connection that stood is served")
                let waiting = clients.removeLast()
                clients = []
                let admitted = try waiting.exchange(front.get("/"))
                precondition(admitted.status == 200, "the waiting one is served")
                precondition(front.isServing(), "new ones are served")
            }
        }

        @Test func brokenPipesDoNotEndTheProcess() throws {
            let closed = Recorder<CloseReason>()
            let front = try FrontFixture { exchange in
                exchange.onClosed { closed.append($0) }
                if exchange.path == "/ok" { return exchange.answer() }
                let stream = exchange.startEvents()
                _ = BackgroundThread {
                    while stream.write([UInt8](repeating: 120, count: 10_000)) != .closed {}
                }
            }
            for _ in 0..<20 {
                let client = try front.connect()
                try client.send(front.get("/"))
                _ = try client.readHead()
                client.reset()
            }
            #expect(closed.wait(for: 20).count == 20)
            #expect(front.isServing())
        }

        @Test func serverIgnoresSIGPIPEAndItsThreadsTakeNoSignals() throws {
            let masks = Recorder<Bool>()
            let front = try FrontFixture { exchange in
                var blocked = sigset_t()
                unsafe pthread_sigmask(SIG_BLOCK, nil, &blocked)
                masks.append(unsafe sigismember(&blocked, SIGTERM) == 1)
                masks.append(unsafe sigismember(&blocked, SIGINT) == 1)
                masks.append(unsafe sigismember(&blocked, SIGSEGV) == 0)
                exchange.answer()
            }
            #expect(front.isServing())
            #expect(masks.values == [true, true, true])
            var action = sigaction()
            unsafe sigaction(SIGPIPE, nil, &action)
            let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            #expect(handler == 1, "1 is SIG_IGN")
        }
    }
}

/// SplitMix64: the same seed, the same requests.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
