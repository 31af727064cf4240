import Foundation
import HTTPFront
import Synchronization
import TestSupport
import Testing

/// All tests of the front, one after the other: they measure times and block the thread they run on.
@Suite(.serialized) enum FrontTests {}

/// A server on a free port for the length of one test.
struct FrontFixture {
    let server: FrontServer

    init(
        _ adjust: (inout FrontConfiguration) -> Void = { _ in },
        handler: @escaping @Sendable (HTTPExchange) -> Void
    ) throws {
        var configuration = FrontConfiguration()
        configuration.errorBody = { status, message in
            Array(#"{"error":{"message":"\#(message)","code":\#(status)}}"#.utf8)
        }
        adjust(&configuration)
        server = try FrontServer(configuration, handler: handler)
    }

    func connect() throws -> SocketClient {
        try SocketClient(port: server.port)
    }

    /// Whether a fresh connection gets a good answer.
    func isServing(_ path: String = "/ok") -> Bool {
        guard let client = try? connect() else { return false }
        return (try? client.exchange(get(path)))?.status == 200
    }

    func get(_ path: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n"
    }

    func post(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}

/// Values that handlers leave for the test.
final class Recorder<Value: Sendable>: Sendable {
    private let state = Mutex<[Value]>([])

    func append(_ value: Value) {
        state.withLock { $0.append(value) }
    }

    var values: [Value] { state.withLock { $0 } }

    func removeAll() {
        state.withLock { $0 = [] }
    }

    /// The values once there are so many, or what there is when the time is over.
    func wait(for count: Int, within time: Duration = .seconds(5)) -> [Value] {
        eventually(within: time) { self.values.count >= count }
        return values
    }
}

/// Waits until the condition holds; false if it does not within the time.
@discardableResult
func eventually(within time: Duration = .seconds(5), _ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now.advanced(by: time)
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        usleep(1000)
    }
    return true
}

/// Runs the body on a thread of its own and keeps what it returns.
final class BackgroundThread<Value: Sendable>: Sendable {
    private let result = Recorder<Value>()

    init(_ body: @escaping @Sendable () -> Value) {
        Thread.detachNewThread { [result] in result.append(body()) }
    }

    func value(within time: Duration = .seconds(30)) -> Value? {
        result.wait(for: 1, within: time).first
    }
}

extension HTTPExchange {
    /// A short answer in plain text.
    func answer(_ text: String = "ok") {
        respond(status: 200, headers: [("content-type", "text/plain")], body: Array(text.utf8))
    }

    func startEvents() -> HTTPStream {
        startStream(status: 200, headers: [("content-type", "text/event-stream")])
    }
}

extension HTTPStream {
    @discardableResult
    func write(_ text: String) -> WriteResult {
        write(Array(text.utf8))
    }
}
