internal import CFront

/// One request and the way to answer it. Everything is copied out of the connection, so an exchange may be kept, sent
/// to any thread and answered later, also when the client has left meanwhile.
///
/// An exchange that loses its last reference without an answer is answered with a 500.
public final class HTTPExchange: Sendable {
    /// As sent, usually in upper case. Any token: `TRACE` and inventions included.
    public let method: String
    /// Percent-decoded, with dot segments resolved; begins with `/`; without the query.
    public let path: String
    /// Undecoded text after the `?`; empty if there is none.
    public let query: String
    /// Header fields in order of arrival, names in lower case. Without `content-length` and `transfer-encoding`.
    public let headers: [(name: String, value: String)]
    /// The complete body, at most `FrontConfiguration.maxBodyBytes`.
    public let body: [UInt8]
    /// `127.0.0.1:4000`, `[::1]:4000` or `unix`.
    public let remoteAddress: String

    private let call: CallHandle
    private let observer = ExchangeObserver()

    /// Copies the request. Loop thread, inside the request callback.
    @unsafe
    init(call: OpaquePointer, request: cf_request) {
        unsafe self.call = CallHandle(retaining: call)
        unsafe method = String(request.method)
        unsafe path = String(request.path)
        unsafe query = String(request.query)
        unsafe headers = UnsafeBufferPointer(start: request.fields, count: request.field_count).map { field in
            unsafe (name: String(field.name), value: String(field.value))
        }
        unsafe body = Array(request.body.buffer)
        unsafe remoteAddress = String(request.remote_address)
        self.call.attach(observer)
    }

    deinit {
        call.fail()
    }

    /// The value of the first header of that name, which must be given in lower case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// Calls the body exactly once when the exchange has ended: on a loop thread, where it must not block, or at once
    /// if the exchange has ended already.
    public func onClosed(_ body: @escaping @Sendable (CloseReason) -> Void) {
        observer.onClosed(body)
    }

    /// The whole answer; `content-length` is added, and the body is left out where HTTP forbids one (HEAD, 204, 304).
    ///
    /// Returns false without sending it if there was an answer before or the client has left. A status outside
    /// 200...599, a header that is not legal (line breaks, say) or one that the front decides (`connection`,
    /// `content-length`, `date`, `transfer-encoding`, …) is answered with a 500 instead, and false is returned.
    @discardableResult
    public func respond(status: Int, headers: [(String, String)], body: [UInt8]) -> Bool {
        call.respond(status: status, headers: headers, body: body)
    }

    /// Sends the head of an answer at once and returns the stream for its body, chunked if the status is 200 and the
    /// client speaks HTTP/1.1. Where `respond` would return false, the stream returns `.closed` for each write.
    public func startStream(status: Int, headers: [(String, String)]) -> HTTPStream {
        let isTaken = call.startStream(status: status, headers: headers)
        return HTTPStream(call: isTaken ? call : nil, observer: observer)
    }
}

extension cf_bytes {
    /// The bytes, valid as long as C lends them.
    @unsafe var buffer: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: start, count: length)
    }
}

extension String {
    /// Copies; broken UTF-8 becomes U+FFFD.
    @unsafe fileprivate init(_ bytes: cf_bytes) {
        unsafe self.init(decoding: bytes.buffer, as: UTF8.self)
    }
}
