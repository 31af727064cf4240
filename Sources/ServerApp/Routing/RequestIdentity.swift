/// The value of `x-request-id`.
enum RequestIdentity {
    /// The client's own, where it is fit for headers and logs: up to 128 letters, digits and `-._:/+=@`.
    static func accepted(_ value: String?) -> String? {
        guard let value, (1...128).contains(value.utf8.count) else { return nil }
        let isPlain = value.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || "-._:/+=@".utf8.contains(byte)
        }
        return isPlain ? value : nil
    }

    static func minted() -> String { "req-" + RandomText.hexadecimal(digits: 24) }
}
