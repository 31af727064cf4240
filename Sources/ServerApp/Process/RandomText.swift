internal import Foundation

/// Identities of requests and answers.
enum RandomText {
    /// Random lower-case hexadecimal digits.
    static func hexadecimal(digits: Int) -> String {
        let alphabet = Array("0123456789abcdef")
        return String((0..<digits).map { _ in alphabet[Int.random(in: 0..<16)] })
    }
}

/// The time of day, for `created`.
enum WallClock {
    static func secondsSince1970() -> Int { Int(Date().timeIntervalSince1970) }
}
