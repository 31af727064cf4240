internal import CFront

/// The files of a certificate, both in PEM.
public struct FrontTLS: Sendable, Equatable {
    /// Path of the certificate, followed in the file by those of its issuers.
    public var certificate: String
    /// Path of the private key, which needs no password; may be the same file.
    public var key: String

    public init(certificate: String, key: String) {
        (self.certificate, self.key) = (certificate, key)
    }

    /// Reads both files and forgets them. Throws `badCertificate` where a server could not use them.
    public func check() throws(FrontError) { _ = try LoadedTLS(self) }
}

/// A certificate and its key as C holds them.
@safe
struct LoadedTLS: ~Copyable {
    let handle: OpaquePointer

    /// Reads the files.
    init(_ files: FrontTLS) throws(FrontError) {
        var reason = [CChar](repeating: 0, count: 512)
        let handle = unsafe cf_tls_load(files.certificate, files.key, &reason, reason.count)
        guard let handle = unsafe handle else {
            let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw .badCertificate(String(decoding: text, as: UTF8.self))
        }
        unsafe self.handle = handle
    }

    deinit { unsafe cf_tls_free(handle) }
}

extension FrontServer {
    /// Connections accepted from now on use these files; open ones keep what they have. Throws `badCertificate` and
    /// changes nothing where the files cannot be used. For a server that was started with TLS.
    public func replaceCertificate(_ files: FrontTLS) throws(FrontError) {
        let loaded = try LoadedTLS(files)
        unsafe cf_server_set_tls(server, loaded.handle)
    }
}
