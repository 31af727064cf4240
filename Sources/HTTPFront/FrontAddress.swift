internal import Glibc

/// Where a front can listen.
public enum FrontAddress {
    /// Whether `host` is a numeric address, `localhost` or `unix:/PATH`: other names are not looked up.
    public static func isHost(_ host: String) -> Bool {
        if host == "localhost" || host.hasPrefix("unix:/") { return true }
        var bare = Substring(host)
        if host.hasPrefix("["), host.hasSuffix("]") { bare = bare.dropFirst().dropLast() }
        // A zone, as in fe80::1%eth0, is for this machine to know.
        let address = String(bare.prefix { $0 != "%" })
        var (v4, v6) = (in_addr(), in6_addr())
        return unsafe inet_pton(AF_INET, String(bare), &v4) == 1 || inet_pton(AF_INET6, address, &v6) == 1
    }
}
