internal import Glibc

/// Tells the service manager how the process is doing, by systemd's protocol (sd_notify(3)): datagrams of `NAME=value`
/// lines to the socket that `NOTIFY_SOCKET` names. Without such a socket nothing is sent. Any thread.
struct ServiceNotifier: Sendable {
    /// The socket's address: a path, or a NUL and an abstract name. Nil where nobody listens.
    private let address: [UInt8]?
    /// The manager ends a process that has not been `alive` for this long; nil where it does not watch.
    let watchdog: Duration?

    /// Takes socket and watchdog from the environment of the process `processID`.
    init(environment: [String: String], processID: Int32) {
        var address = Array((environment["NOTIFY_SOCKET"] ?? "").utf8)
        if address.first == UInt8(ascii: "@") { address[0] = 0 }
        let isUsable = [0, UInt8(ascii: "/")].contains(address.first) && address.count < Self.pathCapacity
        self.address = isUsable ? address : nil
        let watched = environment["WATCHDOG_PID"].map { $0 == "\(processID)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = watched && isUsable && microseconds > 0 ? Duration.microseconds(microseconds) : nil
    }

    /// For this process.
    init() { self.init(environment: ProcessEnvironment.variables(), processID: getpid()) }

    /// The server serves.
    func ready(_ status: String) { send("READY=1\nSTATUS=\(Self.line(status))", waits: true) }

    /// The server takes no more requests and ends when what runs has ended.
    func stopping(_ status: String) { send("STOPPING=1\nSTATUS=\(Self.line(status))") }

    /// What `systemctl status` shows.
    func status(_ status: String) { send("STATUS=\(Self.line(status))") }

    /// Puts off the watchdog.
    func alive() { send("WATCHDOG=1") }

    /// Bytes of `sockaddr_un.sun_path`.
    private static let pathCapacity = 108

    private static func line(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }

    /// A message that cannot be delivered is lost: nobody could be told. Only with `waits` a manager that is busy is
    /// waited for.
    private func send(_ text: String, waits: Bool = false) {
        guard let address else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &target.sun_path) { unsafe $0.copyBytes(from: address) }
        // An abstract name ends where the length says; a path ends at its NUL, which may be counted.
        let size = MemoryLayout<sa_family_t>.size + address.count + (address[0] == 0 ? 0 : 1)
        let bytes = Array(text.utf8)
        let flags = Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT))
        unsafe withUnsafePointer(to: &target) { pointer in
            _ = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe sendto(descriptor, bytes, bytes.count, flags, pointer, socklen_t(size))
            }
        }
    }
}
