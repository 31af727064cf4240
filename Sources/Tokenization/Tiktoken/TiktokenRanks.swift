/// A rank file: one line per token, its bytes in Base64, a blank, and its rank, which is both its id and how soon it
/// merges.
public struct TiktokenRanks: Sendable {
    /// The bytes of each token by rank; empty where no line has the rank.
    private(set) var tokens: [[UInt8]]
    /// Lines of the file.
    private(set) var count: Int

    /// Whether a file's first line is one of a rank file.
    public static func areLikely(_ bytes: [UInt8]) -> Bool {
        let line = bytes.prefix(1024).prefix { $0 != UInt8(ascii: "\n") }
        return entry(line) != nil
    }

    init(_ bytes: [UInt8]) throws(TokenizerError) {
        tokens = []
        count = 0
        var seen: Set<[UInt8]> = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            if line.isEmpty || line.elementsEqual([UInt8(ascii: "\r")]) { continue }
            guard let (text, rank) = Self.entry(line), !text.isEmpty else {
                throw .badRank(line: number + 1, reason: "is not a token in Base64, a blank and a rank")
            }
            // Each rank takes some bytes of the file, so a larger one only wastes memory.
            guard rank < bytes.count else { throw .badRank(line: number + 1, reason: "rank \(rank) is too large") }
            if rank >= tokens.count { tokens += [[UInt8]](repeating: [], count: rank + 1 - tokens.count) }
            guard tokens[rank].isEmpty else { throw .badRank(line: number + 1, reason: "rank \(rank) is taken") }
            guard seen.insert(text).inserted else {
                throw .badRank(line: number + 1, reason: "the token is listed twice")
            }
            tokens[rank] = text
            count += 1
        }
        guard count > 0 else { throw .emptyVocabulary }
    }

    private static func entry(_ line: ArraySlice<UInt8>) -> (text: [UInt8], rank: Int)? {
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2, let text = Base64.decode(parts[0]) else { return nil }
        let digits = parts[1].last == UInt8(ascii: "\r") ? parts[1].dropLast() : parts[1]
        guard !digits.isEmpty, digits.count <= 9, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return (text, digits.reduce(0) { $0 * 10 + Int($1 - 0x30) })
    }
}
