/// A key that nobody has had before.
public struct NewKey: Sendable {
    /// What the client sends: `kh-` and 43 letters, digits, `-` or `_`, 256 random bits.
    public let text: String

    /// Draws the bits from the system's generator.
    public init() {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var generator = SystemRandomNumberGenerator()
        let letters = (0..<43).map { _ in alphabet[Int(generator.next() & 63)] }
        text = "kh-" + String(decoding: letters, as: UTF8.self)
    }

    /// What the configuration holds.
    public var digest: KeyDigest { KeyDigest(of: text) }
}
