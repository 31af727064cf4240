import Foundation
import HTTPFront
import Synchronization
import TestSupport
import Testing

extension FrontTests {
    /// HTTPS, seen by curl and openssl.
    @Suite(.serialized, .enabled(if: TestCertificate.canBeMade, "needs openssl and curl"))
    struct TLSTests {
        private func front(
            _ files: TestCertificate, _ adjust: (inout FrontConfiguration) -> Void = { _ in },
            handler: @escaping @Sendable (HTTPExchange) -> Void = { $0.answer("hello \($0.path)") }
        ) throws -> FrontFixture {
            try FrontFixture(
                { configuration in
                    configuration.tls = FrontTLS(certificate: files.certificate, key: files.key)
                    adjust(&configuration)
                }, handler: handler)
        }

        private func curl(_ front: FrontFixture, _ files: TestCertificate, _ more: [String] = []) throws -> Tool.Outcome
        {
            try Tool.run(
                "curl",
                ["-sS", "--max-time", "10", "--cacert", files.certificate]
                    + more + ["https://localhost:\(front.server.port)/x"])
        }

        @Test func answersOverTLS() throws {
            let folder = try TemporaryFolder()
            let files = try TestCertificate("one", in: folder)
            let front = try front(files)
            #expect(try curl(front, files).text == "hello /x")
            #expect(try curl(front, files, ["--tlsv1.3"]).text == "hello /x")
            #expect(try curl(front, files, ["--tls-max", "1.2"]).text == "hello /x")
            let large = String(repeating: "a", count: 3 << 20)
            let echo = try self.front(files, handler: { $0.respond(status: 200, headers: [], body: $0.body) })
            let body = try folder.write(large, to: "body")
            #expect(try curl(echo, files, ["--data-binary", "@\(body)"]).text == large)
        }

        @Test func streamsOverTLSArriveAsTheyAreWritten() throws {
            let folder = try TemporaryFolder()
            let files = try TestCertificate("one", in: folder)
            let handler: @Sendable (HTTPExchange) -> Void = { exchange in
                let stream = exchange.startEvents()
                Thread.detachNewThread {
                    for index in 0..<50 {
                        stream.write("data: \(index)\n\n")
                        usleep(2000)
                    }
                    stream.finish()
                }
            }
            let front = try front(files, handler: handler)
            let text = try curl(front, files, ["-N"]).text
            #expect(text == (0..<50).map { "data: \($0)\n\n" }.joined())
        }

        @Test func oldVersionsAndHTTP2AreNotSpoken() throws {
            let folder = try TemporaryFolder()
            let files = try TestCertificate("one", in: folder)
            let front = try front(files)
            #expect(try curl(front, files, ["--http2", "-w", " %{http_version}"]).text == "hello /x 1.1")
            let address = ["s_client", "-connect", "127.0.0.1:\(front.server.port)"]
            for version in ["-tls1", "-tls1_1"] {
                let outcome = try Tool.run("openssl", address + [version, "-cipher", "DEFAULT@SECLEVEL=0"])
                #expect(outcome.status != 0, "\(version)")
            }
            #expect(try Tool.run("openssl", address + ["-alpn", "h2"]).status != 0)
            #expect(
                try Tool.run("openssl", address + ["-alpn", "h2,http/1.1"]).text.contains("ALPN protocol: http/1.1"))
        }

        @Test func aNewCertificateIsUsedFromTheNextConnectionOn() throws {
            let folder = try TemporaryFolder()
            let (one, two) = (try TestCertificate("one", in: folder), try TestCertificate("two", in: folder))
            let front = try front(one)
            #expect(try curl(front, one).status == 0)
            try front.server.replaceCertificate(FrontTLS(certificate: two.certificate, key: two.key))
            #expect(try curl(front, one).status != 0)
            #expect(try curl(front, two).text == "hello /x")
            // Wrong files change nothing.
            #expect(throws: FrontError.self) {
                try front.server.replaceCertificate(FrontTLS(certificate: one.certificate, key: two.key))
            }
            #expect(throws: FrontError.self) {
                try front.server.replaceCertificate(FrontTLS(certificate: "/nonexistent", key: two.key))
            }
            #expect(try curl(front, two).text == "hello /x")
        }

        @Test func certificatesMayBeReplacedUnderLoad() throws {
            let folder = try TemporaryFolder()
            let (one, two) = (try TestCertificate("one", in: folder), try TestCertificate("two", in: folder))
            let front = try front(one)
            let isOver = Atomic(false)
            let load = BackgroundThread {
                (0..<20).count { _ in
                    (try? Tool.run("curl", ["-sSk", "https://localhost:\(front.server.port)/x"]))?.text != "hello /x"
                }
            }
            for index in 0..<2000 {
                let files = index % 2 == 0 ? two : one
                try front.server.replaceCertificate(FrontTLS(certificate: files.certificate, key: files.key))
                if isOver.load(ordering: .relaxed) { break }
            }
            #expect(load.value() == 0)
        }

        @Test func unusableFilesSayWhichAndWhy() throws {
            let folder = try TemporaryFolder()
            let (one, two) = (try TestCertificate("one", in: folder), try TestCertificate("two", in: folder))
            let garbage = try folder.write("no certificate", to: "garbage.pem")
            for (certificate, key, words) in [
                ("/nonexistent.crt", one.key, "/nonexistent.crt: no certificate can be read: No such file"),
                (garbage, one.key, "garbage.pem: no certificate can be read"),
                (one.certificate, garbage, "garbage.pem: no private key can be read"),
                (one.certificate, two.key, "two.key"),
            ] {
                let error = #expect(throws: FrontError.self) {
                    try FrontTLS(certificate: certificate, key: key).check()
                }
                #expect(error?.description.contains(words) == true, "\(String(describing: error))")
            }
            try FrontTLS(certificate: one.certificate, key: one.key).check()
        }

        @Test func aHandshakeThatDoesNotEndIsCut() throws {
            let folder = try TemporaryFolder()
            let files = try TestCertificate("one", in: folder)
            let front = try front(files) { $0.requestTimeout = .milliseconds(500) }
            // Nothing, the start of a hello, plain HTTP, and noise.
            for bytes in [
                [], [0x16, 0x03, 0x01, 0x02, 0x00, 0x01], Array("GET / HTTP/1.1\r\n\r\n".utf8), [UInt8](0...255),
            ] {
                let client = try front.connect()
                try client.send(bytes)
                let start = ContinuousClock.now
                #expect(client.readToEnd(within: .seconds(8)).ending != .stillOpen, "\(bytes.prefix(4))")
                #expect(ContinuousClock.now - start < .seconds(7))
            }
            #expect(try curl(front, files).status == 0)
            #expect(eventually { front.server.connectionCount == 0 })
        }

        @Test func aDrippingRequestOverTLSIsCut() throws {
            let folder = try TemporaryFolder()
            let files = try TestCertificate("one", in: folder)
            let front = try front(files) { $0.requestTimeout = .milliseconds(500) }
            let start = ContinuousClock.now
            let outcome = try Tool.run(
                "sh",
                [
                    "-c",
                    "(printf 'GET / HTTP/1.1\\r\\n'; sleep 4; printf 'Host: x\\r\\n\\r\\n'; sleep 1)"
                        + " | openssl s_client -quiet -connect 127.0.0.1:\(front.server.port) 2>/dev/null",
                ])
            #expect(!outcome.text.contains("hello"))
            #expect(ContinuousClock.now - start < .seconds(8))
            #expect(eventually { front.server.connectionCount == 0 })
        }

        @Test func stopEndsOpenHandshakesAndConnections() throws {
            let folder = try TemporaryFolder()
            let files = try TestCertificate("one", in: folder)
            let front = try front(files)
            let clients = try (0..<5).map { _ in try front.connect() }
            try clients[0].send([0x16, 0x03, 0x01])
            #expect(eventually { front.server.connectionCount == 5 })
            let start = ContinuousClock.now
            front.server.stop(grace: .seconds(2))
            #expect(ContinuousClock.now - start < .seconds(4))
            #expect(front.server.connectionCount == 0)
        }
    }
}
