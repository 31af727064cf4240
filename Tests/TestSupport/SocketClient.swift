internal import Glibc

/// What went wrong on a test's socket.
public enum SocketClientError: Error, Equatable {
    case cannotConnect(errno: Int32)
    case timedOut
    /// The server closed before the awaited bytes came; how many did come.
    case closed(receivedCount: Int)
    /// The server reset the connection.
    case reset(receivedCount: Int)
    case malformedResponse(String)
}

/// A blocking TCP or unix socket that sends exact bytes and knows just enough HTTP/1.1 to take answers apart.
///
/// Every wait has a timeout. Belongs to one thread.
public final class SocketClient {
    /// Default for every wait.
    public var timeout: Duration = .seconds(10)

    private var descriptor: Int32
    private var buffer: [UInt8] = []

    /// Connects to 127.0.0.1 or, with `host: "::1"`, over IPv6. A small receive buffer makes the client a slow one.
    /// `source` is an IPv4 address of this machine to come from, as any of 127.0.0.0/8 is.
    public init(
        port: Int, host: String = "127.0.0.1", source: String? = nil, receiveBufferBytes: Int? = nil
    ) throws {
        let isIPv6 = host.contains(":")
        descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if let receiveBufferBytes {
            setOption(SO_RCVBUF, Int32(receiveBufferBytes))
        }
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = in_port_t(UInt16(port)).bigEndian
            unsafe inet_pton(AF_INET6, host, &address.sin6_addr)
            try connect(&address)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(UInt16(port)).bigEndian
            if let source {
                unsafe inet_pton(AF_INET, source, &address.sin_addr)
                let port = address.sin_port
                address.sin_port = 0
                try unsafe call(&address) { unsafe Glibc.bind($0, $1, $2) }
                address.sin_port = port
            }
            unsafe inet_pton(AF_INET, host, &address.sin_addr)
            try connect(&address)
        }
        var on: Int32 = 1
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Connects to a unix socket.
    public init(unixPath: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in unsafe path.copyBytes(from: unixPath.utf8) }
        try connect(&address)
    }

    deinit {
        close()
    }

    private func connect<Address>(_ address: inout Address) throws {
        try unsafe call(&address) { unsafe Glibc.connect($0, $1, $2) }
    }

    private func call<Address>(
        _ address: inout Address, _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws {
        let size = socklen_t(MemoryLayout<Address>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe function(descriptor, pointer, size)
            }
        }
        guard result == 0 else {
            let error = errno
            close()
            throw SocketClientError.cannotConnect(errno: error)
        }
    }

    private func setOption(_ name: Int32, _ value: Int32) {
        var value = value
        unsafe setsockopt(descriptor, SOL_SOCKET, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    // MARK: Sending

    /// Sends all bytes. Throws `reset` if the server no longer takes them.
    public func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            try wait(for: POLLOUT, until: .now.advanced(by: timeout))
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.send(
                    descriptor, bytes.baseAddress.map { unsafe $0 + sent }, bytes.count - sent,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                sent += count
            } else if errno != EAGAIN && errno != EINTR {
                throw SocketClientError.reset(receivedCount: buffer.count)
            }
        }
    }

    public func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    /// Ends our sending side only.
    public func shutdownSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    public func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Closes with a reset instead of an orderly end.
    public func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }

    // MARK: Receiving

    private func wait(for events: Int32, until deadline: ContinuousClock.Instant) throws {
        while true {
            let left = max(.zero, ContinuousClock.now.duration(to: deadline))
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = unsafe poll(&entry, 1, Int32(clamping: milliseconds + (left > .zero ? 1 : 0)))
            if count > 0 { return }
            if count == 0 { throw SocketClientError.timedOut }
        }
    }

    /// Reads once into the buffer.
    private func fill(until deadline: ContinuousClock.Instant) throws {
        try wait(for: POLLIN, until: deadline)
        var piece = [UInt8](repeating: 0, count: 65536)
        let count = unsafe piece.withUnsafeMutableBytes { bytes in
            unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
        }
        if count > 0 {
            buffer += piece[..<count]
        } else if count == 0 {
            throw SocketClientError.closed(receivedCount: buffer.count)
        } else if errno != EINTR {
            throw SocketClientError.reset(receivedCount: buffer.count)
        }
    }

    /// Removes and returns the next `count` bytes.
    public func read(count: Int) throws -> [UInt8] {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        while buffer.count < count { try fill(until: deadline) }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    /// Removes and returns everything up to and including the marker.
    public func read(through marker: String) throws -> [UInt8] {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        let marker = Array(marker.utf8)
        while true {
            if let end = buffer.endIndex(ofFirst: marker) {
                defer { buffer.removeFirst(end) }
                return Array(buffer[..<end])
            }
            try fill(until: deadline)
        }
    }

    /// How the server's side of a connection ended.
    public enum Ending: Equatable { case closed, reset, stillOpen }

    /// Everything that comes until the server closes, resets, or the time is over.
    public func readToEnd(within time: Duration = .seconds(10)) -> (bytes: [UInt8], ending: Ending) {
        let deadline = ContinuousClock.now.advanced(by: time)
        defer { buffer = [] }
        while true {
            do {
                try fill(until: deadline)
            } catch SocketClientError.closed {
                return (buffer, .closed)
            } catch SocketClientError.timedOut {
                return (buffer, .stillOpen)
            } catch {
                return (buffer, .reset)
            }
        }
    }

    // MARK: HTTP

    /// Reads status line and header fields, interim answers (100) included.
    public func readHead() throws -> SocketResponse {
        try SocketResponse(head: read(through: "\r\n\r\n"))
    }

    /// The next chunk of a chunked body; nil at its end.
    public func readChunk() throws -> [UInt8]? {
        let line = String(decoding: try read(through: "\r\n").dropLast(2), as: UTF8.self)
        guard let size = Int(line, radix: 16) else { throw SocketClientError.malformedResponse("chunk size \(line)") }
        let chunk = try read(count: size + 2)
        guard chunk.suffix(2) == [13, 10] else { throw SocketClientError.malformedResponse("end of chunk") }
        return size == 0 ? nil : Array(chunk.dropLast(2))
    }

    /// Reads a whole answer. Give `toHead` if the request was a HEAD, whose answer has no body.
    public func readResponse(toHead: Bool = false) throws -> SocketResponse {
        var response = try readHead()
        if toHead || response.status == 204 || response.status == 304 || response.status < 200 {
            return response
        }
        if response.header("transfer-encoding") == "chunked" {
            while let chunk = try readChunk() { response.body += chunk }
        } else if let length = response.header("content-length").flatMap({ Int($0) }) {
            response.body = try read(count: length)
        } else {
            response.body = readToEnd(within: timeout).bytes
        }
        return response
    }

    /// Sends one request and reads its answer.
    public func exchange(_ request: String) throws -> SocketResponse {
        try send(request)
        return try readResponse(toHead: request.hasPrefix("HEAD "))
    }
}

extension [UInt8] {
    /// The index after the first occurrence of the marker.
    fileprivate func endIndex(ofFirst marker: [UInt8]) -> Int? {
        guard let first = marker.first, count >= marker.count else { return nil }
        var start = 0
        while let found = self[start...].firstIndex(of: first), found + marker.count <= count {
            if self[found..<(found + marker.count)].elementsEqual(marker) { return found + marker.count }
            start = found + 1
        }
        return nil
    }
}
