import HTTPFront
import TestSupport
import Testing

extension FrontTests {
    @Suite struct RequestTests {
        let seen = Recorder<HTTPExchange>()

        private func fixture() throws -> FrontFixture {
            try FrontFixture { [seen] exchange in
                seen.append(exchange)
                exchange.answer()
            }
        }

        @Test func exchangeCarriesTheWholeRequest() throws {
            let front = try fixture()
            let client = try front.connect()
            let response = try client.exchange(
                "POST /v1/a?x=1&y=%20 HTTP/1.1\r\nHost: h:1\r\nX-One: first\r\nx-one: second\r\n"
                    + "Content-Length: 3\r\n\r\nabc")
            #expect(response.status == 200)
            let exchange = try #require(seen.values.first)
            #expect(exchange.method == "POST")
            #expect(exchange.path == "/v1/a")
            #expect(exchange.query == "x=1&y=%20")
            #expect(exchange.header("x-one") == "first")
            #expect(exchange.headers.filter { $0.name == "x-one" }.map(\.value) == ["first", "second"])
            #expect(exchange.header("host") == "h:1")
            #expect(exchange.header("absent") == nil)
            #expect(exchange.body == Array("abc".utf8))
            #expect(exchange.remoteAddress.hasPrefix("127.0.0.1:"))
        }

        /// HTTP/1 reuses the request's memory: what an exchange holds must be copies.
        @Test func exchangeStaysReadableAfterLaterRequestsOnItsConnection() throws {
            let front = try fixture()
            let client = try front.connect()
            for index in 0..<50 {
                _ = try client.exchange(front.post("/path-\(index)?q=\(index)", "body-\(index)"))
            }
            client.close()
            let wrong = seen.values.enumerated().filter { index, exchange in
                exchange.path != "/path-\(index)" || exchange.query != "q=\(index)"
                    || exchange.body != Array("body-\(index)".utf8)
            }
            #expect(seen.values.count == 50)
            #expect(wrong.isEmpty)
        }

        @Test(arguments: ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get", "M-SEARCH"])
        func anyMethodReachesTheHandler(method: String) throws {
            let front = try fixture()
            let response = try front.connect().exchange("\(method) /x HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(response.status == 200)
            #expect(seen.values.first?.method == method)
        }

        @Test(arguments: [
            ("/a/./b", "/a/b"), ("/a/%2e%2e/b", "/b"), ("/../../x", "/x"), ("/caf%C3%A9", "/café"), ("*", "/*"),
            ("/%zz", "/%zz"), ("/?q", "/"), ("/%ff", "/\u{FFFD}"),
        ])
        func pathIsNormalised(target: String, path: String) throws {
            let front = try fixture()
            _ = try front.connect().exchange("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(seen.values.first?.path == path)
        }

        @Test func chunkedBodyArrivesDecoded() throws {
            let front = try fixture()
            let client = try front.connect()
            let response = try client.exchange(
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n")
            #expect(response.status == 200)
            #expect(seen.values.first?.body == Array("hello world".utf8))
            #expect(try client.exchange(front.get("/next")).status == 200)
        }

        @Test func expectContinueIsAnsweredBeforeTheBodyIsSent() throws {
            let front = try fixture()
            let client = try front.connect()
            try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.readHead().status == 100)
            try client.send("abc")
            #expect(try client.readResponse().status == 200)
            #expect(seen.values.first?.body == Array("abc".utf8))
        }

        @Test func bodyWithNulAndHighBytesIsKept() throws {
            let front = try fixture()
            let client = try front.connect()
            let body = (0...255).map { UInt8($0) }
            try client.send(Array("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 256\r\n\r\n".utf8) + body)
            _ = try client.readResponse()
            #expect(seen.values.first?.body == body)
        }

        @Test func requestMayArriveByteByByte() throws {
            let front = try fixture()
            let client = try front.connect()
            for byte in front.post("/slow", "abc").utf8 {
                try client.send([byte])
            }
            #expect(try client.readResponse().status == 200)
            #expect(seen.values.first?.body == Array("abc".utf8))
        }
    }
}
