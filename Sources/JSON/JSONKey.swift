internal import Glibc

/// A string hashed and compared by its UTF-8 bytes. Swift's own `==` treats "é" and "e\u{301}" as equal; in JSON they
/// are two keys, and in a vocabulary two tokens.
struct JSONKey: Hashable {
    /// The string as given.
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: JSONKey, right: JSONKey) -> Bool {
        let leftBytes = left.text.utf8Span.span
        let rightBytes = right.text.utf8Span.span
        guard leftBytes.count == rightBytes.count else { return false }
        return unsafe leftBytes.withUnsafeBytes { first in
            unsafe rightBytes.withUnsafeBytes { second in
                guard let firstBase = first.baseAddress, let secondBase = second.baseAddress else { return true }
                return unsafe memcmp(firstBase, secondBase, first.count) == 0
            }
        }
    }

    func hash(into hasher: inout Hasher) {
        unsafe text.utf8Span.span.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        hasher.combine(0xFF as UInt8)
    }
}
