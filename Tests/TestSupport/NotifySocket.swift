internal import Glibc

/// A datagram socket as a service manager has it: hears what a server says of itself.
public final class NotifySocket {
    /// The socket could not be made.
    public struct Failure: Error {
        public let code: Int32
    }

    private let descriptor: Int32
    /// For `NOTIFY_SOCKET`.
    public let name: String

    /// With `isAbstract`, the name is not a file's.
    public init(isAbstract: Bool) throws {
        let base = "keyhold-notify-\(UInt64.random(in: 0 ... .max))"
        name = isAbstract ? "@\(base)" : "/tmp/\(base)"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if isAbstract { bytes[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1))
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, size) }
        }
        guard status == 0 else { throw Failure(code: errno) }
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unsafe unlink(name) }
    }

    /// The next message; empty when none comes within half a minute.
    public func receive() -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
