internal import CCrypto

/// A running SHA-256 of libcrypto.
@safe struct SHA256: ~Copyable {
    static let byteCount = 32
    private let context: OpaquePointer

    /// nil where libcrypto refuses, as it may in a hardened configuration.
    init?() {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        guard unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            return nil
        }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    mutating func add(_ bytes: RawSpan) {
        _ = unsafe bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    mutating func add(_ bytes: [UInt8]) { unsafe add(bytes.span.bytes) }

    /// The digest; nothing is added after it.
    mutating func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        _ = unsafe EVP_DigestFinal_ex(context, &digest, &count)
        return Array(digest.prefix(Int(count)))
    }
}

extension SessionFolder {
    /// What tells models apart: the digest of everything that `describe` adds.
    public static func fingerprint(_ describe: (_ add: ([UInt8]) -> Void) -> Void) -> [UInt8] {
        guard var digest = SHA256() else { return [] }
        var parts: [[UInt8]] = []
        describe { parts.append($0) }
        for part in parts {
            var length = ByteWriter()
            length.integer(UInt64(part.count))
            digest.add(length.bytes)
            digest.add(part)
        }
        return digest.finish()
    }
}
