import Testing

@testable import Benchmarking

@Suite struct AnswerReaderTests {
    /// The pieces of an answer, bodies joined, when it comes `size` bytes at a time.
    private static func pieces(_ text: String, size: Int) -> [AnswerReader.Piece] {
        var reader = AnswerReader()
        let bytes = Array(text.utf8)
        var pieces: [AnswerReader.Piece] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            pieces += reader.append(Array(bytes[start..<min(bytes.count, start + size)]))
        }
        var joined: [AnswerReader.Piece] = []
        for piece in pieces {
            if case .body(let more) = piece, case .body(let before)? = joined.last {
                joined[joined.count - 1] = .body(before + more)
            } else {
                joined.append(piece)
            }
        }
        return joined.filter { $0 != .body([]) }
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func countedBodiesAreRead(size: Int) {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Other: 1\r\n\r\nhello"
        #expect(
            Self.pieces(text, size: size) == [.head(status: 200), .body(Array("hello".utf8)), .end(reusable: true)])
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func chunkedBodiesAreRead(size: Int) {
        let text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n\r\n"
        #expect(
            Self.pieces(text, size: size) == [.head(status: 200), .body(Array("hello".utf8)), .end(reusable: true)])
    }

    @Test func aServerMayCloseAfterTheAnswer() {
        let text = "HTTP/1.1 429 Too Many\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        #expect(Self.pieces(text, size: 9) == [.head(status: 429), .end(reusable: false)])
    }

    @Test func interimAnswersAreSkipped() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
        #expect(Self.pieces(text, size: 5) == [.head(status: 204), .end(reusable: true)])
    }

    @Test(arguments: ["hello\r\n\r\n", "HTTP/1.1 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
    func anythingElseIsBroken(text: String) {
        guard case .broken = Self.pieces(text, size: 1000).first else {
            Issue.record("\(text)")
            return
        }
    }

    @Test func malformedChunksAreBroken() {
        let text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"
        #expect(Self.pieces(text, size: 100).count == 2)
    }

    @Test func aConnectionThatClosesEarlyIsABreach() {
        var reader = AnswerReader()
        _ = reader.append(Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe".utf8))
        guard case .broken = reader.close() else {
            Issue.record("no breach")
            return
        }
        var old = AnswerReader()
        _ = old.append(Array("HTTP/1.0 200 OK\r\n\r\nhe".utf8))
        #expect(old.close() == .end(reusable: false))
    }

    @Test(arguments: [1, 4, 100])
    func eventStreamsAreCutIntoData(size: Int) {
        let text = ": ping\n\ndata: {\"a\":1}\r\n\r\nevent: x\ndata:2\n\ndata: [DONE]\n\n"
        var reader = EventStreamReader()
        var found: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            found += reader.append(Array(bytes[start..<min(bytes.count, start + size)])).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        #expect(found == ["{\"a\":1}", "2", "[DONE]"])
    }
}
