internal import Glibc

/// Why a `FrontServer` could not start. The description tells what to change.
public enum FrontError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The host is neither numeric, nor `localhost`, nor `unix:` with an absolute path.
    case badHost(String)
    /// A limit of the configuration makes no sense.
    case outOfRange(name: String, value: Int, allowed: ClosedRange<Int>)
    /// The address could not be bound; `systemError` is an errno.
    case cannotListen(host: String, port: Int, systemError: Int32)
    /// Certificate or key cannot be used; the text names the file.
    case badCertificate(String)
    /// The system refused a thread or a descriptor; `systemError` is an errno, or 0 if it is not known.
    case noResources(systemError: Int32)

    public var description: String {
        switch self {
        case .badHost(let host):
            "host \"\(host)\" cannot be used: give a numeric IPv4 or IPv6 address, localhost, or unix:/absolute/path"
        case .outOfRange(let name, let value, let allowed):
            "\(name) is \(value), but must be from \(allowed.lowerBound) to \(allowed.upperBound)"
        case .cannotListen(let host, let port, let systemError):
            "cannot listen on \(host)\(host.hasPrefix("unix:") ? "" : " port \(port)"): \(Self.text(of: systemError))"
        case .badCertificate(let reason): "TLS: \(reason)"
        case .noResources(let systemError):
            "cannot start the HTTP threads: \(Self.text(of: systemError)); check the limits on threads and open files"
        }
    }

    private static func text(of systemError: Int32) -> String {
        guard systemError != 0, let text = unsafe strerror(systemError) else { return "no reason was given" }
        return unsafe String(cString: text)
    }
}
