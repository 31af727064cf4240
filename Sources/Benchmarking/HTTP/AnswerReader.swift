internal import CBenchmarks

/// Takes HTTP/1.1 answers apart as their bytes come, by picohttpparser.
struct AnswerReader {
    /// A piece of an answer.
    enum Piece: Equatable {
        case head(status: Int)
        case body([UInt8])
        /// The answer is complete; whether the connection can take another request.
        case end(reusable: Bool)
        case broken(String)
    }

    private enum Place {
        case head
        case chunks(cb_chunks)
        /// Bytes of the body to come.
        case counted(Int)
        case untilClose
        case done
    }

    private var place = Place.head
    private var pending: [UInt8] = []
    private var closes = false

    private static let headLimit = 64 << 10

    /// Nothing of the answer has come yet.
    var isUntouched: Bool {
        if case .head = place { pending.isEmpty } else { false }
    }

    /// The pieces that `bytes` complete.
    mutating func append(_ bytes: [UInt8]) -> [Piece] {
        pending += bytes
        var pieces: [Piece] = []
        while let piece = next() { pieces.append(piece) }
        return pieces
    }

    /// The server has closed the connection: the end of some answers, the breach of others.
    mutating func close() -> Piece {
        guard case .untilClose = place else { return .broken("the connection was closed before the answer ended") }
        place = .done
        return .end(reusable: false)
    }

    private mutating func next() -> Piece? {
        switch place {
        case .head: return head()
        case .chunks(let state): return chunk(state)
        case .counted(0):
            place = .done
            return .end(reusable: !closes)
        case .counted(let left):
            guard !pending.isEmpty else { return nil }
            let body = Array(pending.prefix(left))
            pending.removeFirst(body.count)
            place = .counted(left - body.count)
            return .body(body)
        case .untilClose:
            guard !pending.isEmpty else { return nil }
            defer { pending = [] }
            return .body(pending)
        case .done: return nil
        }
    }

    private mutating func head() -> Piece? {
        var head = cb_answer_head()
        let length = unsafe pending.withUnsafeBytes { bytes in
            unsafe cb_answer_head_read(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, &head)
        }
        if length < 0 || (length == 0 && pending.count > Self.headLimit) {
            place = .done
            return .broken("the answer is no HTTP/1 answer")
        }
        guard length > 0 else { return nil }
        pending.removeFirst(length)
        // Interim answers, such as 100 Continue, are followed by the real one.
        guard head.status >= 200 else { return self.head() }
        closes = head.closes != 0
        if head.is_chunked != 0 {
            place = .chunks(cb_chunks())
        } else if head.status == 204 || head.status == 304 {
            place = .counted(0)
        } else {
            place = head.content_length >= 0 ? .counted(Int(head.content_length)) : .untilClose
        }
        return .head(status: Int(head.status))
    }

    private mutating func chunk(_ state: cb_chunks) -> Piece? {
        guard !pending.isEmpty else { return nil }
        var state = state
        var count = pending.count
        let rest = unsafe pending.withUnsafeMutableBytes { bytes in
            unsafe cb_chunks_decode(&state, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), &count)
        }
        if rest == -2 {
            place = .done
            return .broken("the answer's chunks are malformed")
        }
        let body = Array(pending.prefix(count))
        pending = rest > 0 ? Array(pending[count..<count + rest]) : []
        place = rest >= 0 ? .counted(0) : .chunks(state)
        return body.isEmpty && rest < 0 ? nil : .body(body)
    }
}
