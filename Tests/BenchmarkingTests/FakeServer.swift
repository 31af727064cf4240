import Foundation
import HTTPFront
import JSON
import Synchronization

@testable import Benchmarking

/// An OpenAI server without a model: streams made-up tokens, or answers with errors.
final class FakeServer: Sendable {
    /// What the server does with a completion.
    enum Behaviour: Sendable {
        /// So many tokens, a time apart.
        case tokens(Int, apart: Double)
        case status(Int)
        /// Closes after the head.
        case breaksOff
        /// An error event in the stream.
        case errorEvent
    }

    let server: FrontServer
    private let recorder: Recorder

    init(_ behaviour: Behaviour) throws {
        let recorder = Recorder()
        self.recorder = recorder
        server = try FrontServer(FrontConfiguration()) { exchange in
            guard exchange.path == "/v1/completions" else {
                _ = exchange.respond(status: 200, headers: [], body: Array("{}".utf8))
                return
            }
            guard let body = try? JSONValue(parsing: exchange.body, limits: .request).asObject else { return }
            recorder.bodies.withLock { $0.append(body) }
            recorder.authorizations.withLock { $0.append(exchange.header("authorization")) }
            guard body["stream"]?.asBool == true else {
                _ = exchange.respond(status: 200, headers: [], body: Array("{\"choices\":[]}".utf8))
                return
            }
            Thread {
                recorder.streams.withLock { streams in
                    streams.now += 1
                    streams.most = max(streams.most, streams.now)
                }
                Self.answer(exchange, behaviour)
                recorder.streams.withLock { $0.now -= 1 }
            }.start()
        }
    }

    private final class Recorder: Sendable {
        let bodies = Mutex<[JSONObject]>([])
        let authorizations = Mutex<[String?]>([])
        let streams = Mutex<(now: Int, most: Int)>((0, 0))
    }

    /// Bodies of the completions so far.
    var bodies: [JSONObject] { recorder.bodies.withLock { $0 } }

    /// The completions' `Authorization` headers.
    var authorizations: [String?] { recorder.authorizations.withLock { $0 } }

    /// Largest number of streams that were written at once.
    var mostAtOnce: Int { recorder.streams.withLock { $0.most } }

    var target: HTTPTarget { HTTPTarget(host: "127.0.0.1", port: server.port) }

    deinit { _ = server.stop(grace: .zero) }

    private static let refusal = #"{"error":{"message":"no","type":"rate_limit_error","code":"pool_full"}}"#

    private static func answer(_ exchange: HTTPExchange, _ behaviour: Behaviour) {
        if case .status(let status) = behaviour {
            _ = exchange.respond(status: status, headers: [], body: Array(Self.refusal.utf8))
            return
        }
        let stream = exchange.startStream(status: 200, headers: [("content-type", "text/event-stream")])
        switch behaviour {
        case .tokens(let count, let apart):
            for index in 0..<count {
                Thread.sleep(forTimeInterval: apart)
                _ = stream.write(Array("data: {\"choices\":[{\"text\":\"t\(index)\"}]}\n\n".utf8))
            }
            let usage = "{\"choices\":[],\"usage\":{\"completion_tokens\":\(count)}}"
            _ = stream.write(Array(": ping\n\ndata: \(usage)\n\ndata: [DONE]\n\n".utf8))
            stream.finish()
        case .breaksOff: stream.abort()
        case .errorEvent:
            _ = stream.write(Array("data: {\"error\":{\"message\":\"engine\"}}\n\ndata: [DONE]\n\n".utf8))
            stream.finish()
        case .status: break
        }
    }
}
