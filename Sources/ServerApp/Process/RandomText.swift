internal import Foundation

/// Identities of requests and answers.
enum RandomText {
    /// Random lower-case hexadecimal digits.
    static func hexadecimal(digits: Int) -> String {
        let alphabet = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(digits)
        // A number is a system call: each gives 16 digits.
        var bits: UInt64 = 0
        for index in 0..<digits {
            if index % 16 == 0 { bits = UInt64.random(in: 0 ... .max) }
            text.append(alphabet[Int(bits & 15)])
            bits >>= 4
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The time of day, for `created`.
enum WallClock {
    static func secondsSince1970() -> Int { Int(Date().timeIntervalSince1970) }
}
