internal import CCrypto

/// The SHA-256 of an API key: what the configuration holds instead of the key. Keys are random and long (`NewKey`), so
/// neither salt nor a slow hash would add anything.
public struct KeyDigest: Sendable, CustomStringConvertible {
    /// Bytes of a digest.
    public static let byteCount = 32

    private let bytes: [UInt8]

    /// The digest of a key's text.
    public init(of key: some StringProtocol) {
        var digest = [UInt8](repeating: 0, count: Self.byteCount)
        let key = Array(key.utf8)
        _ = unsafe SHA256(key, key.count, &digest)
        bytes = digest
    }

    /// 64 hexadecimal digits, upper or lower case; nil for anything else.
    public init?(hexadecimal text: String) {
        let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard text.utf8.count == 2 * Self.byteCount, digits.count == 2 * Self.byteCount else { return nil }
        bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// 64 lower-case hexadecimal digits.
    public var hexadecimal: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Compares all bytes whatever they are, so that the time taken says nothing about where two digests part.
    public func matches(_ other: KeyDigest) -> Bool {
        unsafe CRYPTO_memcmp(bytes, other.bytes, Self.byteCount) == 0
    }

    /// A digest is no secret, but nobody needs it in a log.
    public var description: String { "sha256:…" }
}

extension KeyDigest: Equatable {
    public static func == (left: KeyDigest, right: KeyDigest) -> Bool { left.matches(right) }
}
