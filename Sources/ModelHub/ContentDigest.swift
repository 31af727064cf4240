internal import CCrypto
internal import Foundation

/// The name that a file's content has on the hub.
enum ContentDigest: Sendable, Equatable {
    /// SHA-256 of the bytes: files in large file storage.
    case sha256(String)
    /// SHA-1 of `blob SIZE\0` and the bytes: files in git itself.
    case gitBlob(String)

    init?(sha256 text: String) {
        guard Self.isHexadecimal(text, digits: 64) else { return nil }
        self = .sha256(text)
    }

    init?(gitBlob text: String) {
        guard Self.isHexadecimal(text, digits: 40) else { return nil }
        self = .gitBlob(text)
    }

    /// Lower-case hexadecimal digits: the name of the blob in the cache.
    var text: String {
        switch self {
        case .sha256(let text), .gitBlob(let text): text
        }
    }

    static func isHexadecimal(_ text: String, digits: Int) -> Bool {
        text.utf8.count == digits
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    /// The digest of the same kind of what `path` holds now. `progress` hears the bytes read so far.
    func ofFile(_ path: String, progress: (Int) -> Void) throws(HubError) -> String {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw .cache(path: path, reason: "it cannot be opened")
        }
        defer { try? file.close() }
        do {
            let size = try file.seekToEnd()
            try file.seek(toOffset: 0)
            guard var hash = RunningHash(isSHA256: isSHA256) else {
                throw HubError.cache(path: path, reason: "no checksums can be computed here")
            }
            if !isSHA256 { hash.add(Data("blob \(size)\0".utf8)) }
            var done = 0
            while let piece = try file.read(upToCount: 4 << 20), !piece.isEmpty {
                hash.add(piece)
                done += piece.count
                progress(done)
            }
            return hash.finish()
        } catch let error as HubError {
            throw error
        } catch {
            throw .cache(path: path, reason: "it cannot be read: \(error.localizedDescription)")
        }
    }

    private var isSHA256: Bool {
        if case .sha256 = self { true } else { false }
    }
}

/// A digest that grows with the bytes it is given; a class of libcrypto behind a value that is used once.
@safe private struct RunningHash: ~Copyable {
    private let context: OpaquePointer

    /// Nil where libcrypto refuses, as it may in a hardened configuration.
    init?(isSHA256: Bool) {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        guard unsafe EVP_DigestInit_ex(context, isSHA256 ? EVP_sha256() : EVP_sha1(), nil) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            return nil
        }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    mutating func add(_ bytes: Data) {
        _ = unsafe bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    mutating func finish() -> String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        _ = unsafe EVP_DigestFinal_ex(context, &digest, &count)
        return digest.prefix(Int(count)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
