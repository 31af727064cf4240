/// The name of one part of a GGUF model that was split over several files, as llama.cpp's `gguf-split` names them:
/// `NAME-00001-of-00003.gguf`.
struct SplitName: Equatable {
    /// The path before the numbers.
    let stem: String
    /// From 1 on.
    let number: Int
    let count: Int

    /// Nil where `path` has no such name.
    init?(path: String) {
        let digits = "-00001-of-00001.gguf".count
        guard path.hasSuffix(".gguf"), path.utf8.count > digits else { return nil }
        let tail = path.dropLast(".gguf".count).suffix(digits - ".gguf".count)
        let parts = tail.dropFirst().split(separator: "-", omittingEmptySubsequences: false)
        guard tail.first == "-", parts.count == 3, parts[1] == "of", let number = Self.number(parts[0]),
            let count = Self.number(parts[2]), (1...count).contains(number)
        else { return nil }
        stem = String(path.dropLast(digits))
        self.number = number
        self.count = count
    }

    /// The path of another part of the same model.
    func path(ofPart part: Int) -> String { "\(stem)-\(Self.fiveDigits(part))-of-\(Self.fiveDigits(count)).gguf" }

    private static func number(_ digits: Substring) -> Int? {
        guard digits.utf8.count == 5, digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(digits),
            number > 0
        else { return nil }
        return number
    }

    static func fiveDigits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
