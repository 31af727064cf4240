internal import Glibc

/// A connected TCP socket that never blocks. Closed when the object goes. Belongs to one thread.
final class ClientSocket {
    let descriptor: Int32

    /// What an attempt to read or write came to.
    enum Transfer: Equatable {
        case moved(Int)
        /// Nothing can be moved now.
        case wouldBlock
        case closed
        case failed(String)
    }

    /// Connects, blocking until the connection stands.
    init(_ target: HTTPTarget) throws(BenchmarkError) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>? = nil
        let status = unsafe getaddrinfo(target.host, "\(target.port)", &hints, &list)
        guard status == 0 else {
            throw .cannotConnect(url: target.description, reason: unsafe String(cString: gai_strerror(status)))
        }
        defer { unsafe freeaddrinfo(list) }
        var reason = "it has no address"
        var entry = unsafe list
        while let address = unsafe entry?.pointee {
            let descriptor = unsafe socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
            if descriptor >= 0 {
                if unsafe connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 {
                    self.descriptor = descriptor
                    setOptions()
                    return
                }
                reason = Self.text(of: errno)
                close(descriptor)
            } else {
                reason = Self.text(of: errno)
            }
            unsafe entry = address.ai_next
        }
        throw .cannotConnect(url: target.description, reason: reason)
    }

    deinit { close(descriptor) }

    private func setOptions() {
        var on: Int32 = 1
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// Sends what the kernel takes of `bytes` from `offset` on.
    func send(_ bytes: [UInt8], from offset: Int) -> Transfer {
        let count = unsafe bytes.withUnsafeBytes { bytes in
            unsafe Glibc.send(
                descriptor, bytes.baseAddress.map { unsafe $0 + offset }, bytes.count - offset, Int32(MSG_NOSIGNAL))
        }
        return Self.transfer(count)
    }

    /// Appends what has come to `bytes`, at most `limit` bytes.
    func receive(into bytes: inout [UInt8], limit: Int) -> Transfer {
        let old = bytes.count
        bytes += repeatElement(0, count: limit)
        let count = unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe recv(descriptor, bytes.baseAddress.map { unsafe $0 + old }, limit, 0)
        }
        let error = errno
        bytes.removeLast(limit - max(0, count))
        errno = error
        return count == 0 ? .closed : Self.transfer(count)
    }

    private static func transfer(_ count: Int) -> Transfer {
        if count >= 0 { return .moved(count) }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(text(of: errno))
    }

    private static func text(of error: Int32) -> String { unsafe String(cString: strerror(error)) }

    /// Waits until one of the sockets has something to read, or room to write where `wantsToWrite` says so, or until
    /// the time is over. Tells for each whether it is ready.
    static func wait(_ sockets: [(socket: ClientSocket, wantsToWrite: Bool)], seconds: Double) -> [Bool] {
        var entries = sockets.map { entry in
            pollfd(
                fd: entry.socket.descriptor, events: Int16(POLLIN | (entry.wantsToWrite ? POLLOUT : 0)), revents: 0)
        }
        // Rounded down: the caller comes again for the last part of a millisecond, and is not late.
        let milliseconds = Int32(clamping: Int(max(0, min(seconds, 3600)) * 1000))
        let count = unsafe poll(&entries, nfds_t(entries.count), milliseconds)
        guard count > 0 else { return sockets.map { _ in false } }
        return entries.map { $0.revents != 0 }
    }

    /// A port on the loopback address that was free a moment ago.
    static func freePort() -> Int? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, size) == 0 && getsockname(descriptor, pointer, &size) == 0
            }
        } ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}

@available(*, unavailable) extension ClientSocket: Sendable {}
