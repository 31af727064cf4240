/// Runs many HTTP exchanges at once on one thread, over connections that are kept for later ones.
final class ExchangePool {
    /// What happens to an exchange. `finished` or `failed` is its last event.
    enum Event: Equatable {
        case head(status: Int)
        case body([UInt8])
        case finished
        case failed(String)
    }

    private final class Connection {
        let socket: ClientSocket
        var tag: Int
        var request: [UInt8]
        var sent = 0
        var reader = AnswerReader()
        let isReused: Bool
        let deadline: Double

        init(_ socket: ClientSocket, tag: Int, request: [UInt8], isReused: Bool, deadline: Double) {
            self.socket = socket
            self.tag = tag
            self.request = request
            self.isReused = isReused
            self.deadline = deadline
        }
    }

    private let target: HTTPTarget
    private let timeout: Double
    private let watch = Stopwatch()
    private var idle: [ClientSocket] = []
    private var busy: [Connection] = []

    private static let readBytes = 64 << 10
    /// How the reason of a failure by timeout begins.
    static let latePrefix = "no answer within"

    /// An exchange that takes longer than `timeout` seconds fails.
    init(_ target: HTTPTarget, timeout: Double) {
        self.target = target
        self.timeout = timeout
    }

    /// Exchanges under way.
    var activeCount: Int { busy.count }

    /// Sends a request. Its events carry `tag`.
    func start(_ request: [UInt8], tag: Int) throws(BenchmarkError) {
        let reused = idle.popLast()
        let socket: ClientSocket
        if let reused { socket = reused } else { socket = try ClientSocket(target) }
        begin(socket, tag: tag, request: request, isReused: reused != nil)
    }

    private func begin(_ socket: ClientSocket, tag: Int, request: [UInt8], isReused: Bool) {
        let connection = Connection(
            socket, tag: tag, request: request, isReused: isReused, deadline: watch.seconds + timeout)
        busy.append(connection)
        write(connection)
    }

    /// Waits for at most `seconds` and reports what has happened.
    func poll(seconds: Double, onEvent: (_ tag: Int, Event) throws -> Void) rethrows {
        let connections = busy
        let ready = ClientSocket.wait(
            connections.map { ($0.socket, $0.sent < $0.request.count) }, seconds: min(seconds, 0.25))
        let now = watch.seconds
        for (connection, isReady) in zip(connections, ready) {
            if isReady {
                write(connection)
                try read(connection, onEvent: onEvent)
            } else if now > connection.deadline {
                remove(connection)
                try onEvent(connection.tag, .failed("\(Self.latePrefix) \(Int(timeout)) seconds"))
            }
        }
    }

    private func remove(_ connection: Connection) { busy.removeAll { $0 === connection } }

    /// An error shows when the answer is read.
    private func write(_ connection: Connection) {
        while connection.sent < connection.request.count {
            guard case .moved(let count) = connection.socket.send(connection.request, from: connection.sent) else {
                return
            }
            connection.sent += count
        }
    }

    private func read(_ connection: Connection, onEvent: (Int, Event) throws -> Void) rethrows {
        var bytes: [UInt8] = []
        switch connection.socket.receive(into: &bytes, limit: Self.readBytes) {
        case .wouldBlock: return
        case .moved:
            for piece in connection.reader.append(bytes) { try report(piece, of: connection, onEvent: onEvent) }
        case .closed, .failed:
            // The server may close a kept connection just when the next request is on its way.
            if connection.isReused, connection.reader.isUntouched, let socket = try? ClientSocket(target) {
                remove(connection)
                begin(socket, tag: connection.tag, request: connection.request, isReused: false)
            } else {
                try report(connection.reader.close(), of: connection, onEvent: onEvent)
            }
        }
    }

    private func report(
        _ piece: AnswerReader.Piece, of connection: Connection, onEvent: (Int, Event) throws -> Void
    ) rethrows {
        switch piece {
        case .head(let status): try onEvent(connection.tag, .head(status: status))
        case .body(let bytes): try onEvent(connection.tag, .body(bytes))
        case .end(let reusable):
            remove(connection)
            if reusable { idle.append(connection.socket) }
            try onEvent(connection.tag, .finished)
        case .broken(let reason):
            remove(connection)
            try onEvent(connection.tag, .failed(reason))
        }
    }
}

@available(*, unavailable) extension ExchangePool: Sendable {}
