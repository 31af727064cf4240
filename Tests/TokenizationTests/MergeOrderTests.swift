import Generation
import Testing

@testable import Tokenization

/// The merge engine against the definition: look at every neighbouring pair, merge the best, start again.
@Suite struct MergeOrderTests {
    private static let alphabet = ["a", "b", "c", "é", "日"]

    /// Random pieces: not every character has a token, and pieces need not be made of pieces.
    private static func randomPieces(_ generator: inout SeededGenerator) -> [String] {
        var pieces: Set<String> = ["▁"]
        for _ in 0..<Int.random(in: 5...60, using: &generator) {
            let length = Int.random(in: 1...5, using: &generator)
            pieces.insert((0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "a" }.joined())
        }
        return pieces.sorted().shuffled(using: &generator)
    }

    private static func randomText(_ generator: inout SeededGenerator) -> String {
        (0..<Int.random(in: 0...40, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? "a" }
            .joined()
    }

    @Test(arguments: UInt64(0)..<60)
    func scoresMergeAsSentencePieceDefinesThem(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pieces = Self.randomPieces(&generator)
        var fields = TinyVocabularies.sentencePiece(pieces)
        // Few different scores, so that many pairs tie and the leftmost must win.
        if seed.isMultiple(of: 2) { fields.scores = fields.scores?.map { ($0 / 4).rounded() } }
        let tokenizer = try Tokenizer(fields)
        for _ in 0..<20 {
            let text = Self.randomText(&generator)
            let wanted = Self.naive(" " + text, fields)
            let found = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            guard found.map(Int.init) == wanted else {
                Issue.record("seed \(seed), pieces \(pieces), text \(text): \(found), expected \(wanted)")
                return
            }
        }
    }

    private static func naive(_ text: String, _ fields: GGUFVocabulary) -> [Int] {
        guard text != " " else { return [] }
        var ids: [[UInt8]: Int] = [:]
        for (id, token) in fields.tokens.enumerated() where fields.types?[id] == 1 { ids[token] = id }
        var symbols = text.unicodeScalars.map { Array(String($0 == " " ? "▁" : $0).utf8) }
        while true {
            var best: (place: Int, score: Float)?
            for place in symbols.indices.dropLast() {
                guard let id = ids[symbols[place] + symbols[place + 1]], let score = fields.scores?[id] else {
                    continue
                }
                if best.map({ score > $0.score }) ?? true { best = (place, score) }
            }
            guard let best else { break }
            symbols[best.place] += symbols.remove(at: best.place + 1)
        }
        return symbols.flatMap { symbol in ids[symbol].map { [$0] } ?? symbol.map { Int($0) + 3 } }
    }

    @Test(arguments: UInt64(0)..<60)
    func ranksMergeAsBytePairEncodingDefinesThem(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var merges: [(String, String)] = []
        var known = ["a", "b", "c", "d"]
        for _ in 0..<Int.random(in: 1...40, using: &generator) {
            let left = known.randomElement(using: &generator) ?? "a"
            let right = known.randomElement(using: &generator) ?? "b"
            if known.contains(left + right) || left.count + right.count > 8 { continue }
            merges.append((left, right))
            known.append(left + right)
        }
        let tokenizer = try Tokenizer(TinyVocabularies.byteLevel(merges))
        for _ in 0..<20 {
            let letters: [Character] = ["a", "b", "c", "d"]
            let text = String(
                (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                    letters.randomElement(using: &generator) ?? "a"
                })
            let wanted = Self.naive(text, merges)
            let found = tokenizer.pieces(text)
            guard found == wanted else {
                Issue.record("seed \(seed), merges \(merges), text \(text): \(found), expected \(wanted)")
                return
            }
        }
    }

    private static func naive(_ text: String, _ merges: [(String, String)]) -> [String] {
        var symbols = text.map { String($0) }
        while true {
            var best: (place: Int, rank: Int)?
            for place in symbols.indices.dropLast() {
                let pair = (symbols[place], symbols[place + 1])
                guard let rank = merges.firstIndex(where: { $0 == pair }) else { continue }
                if best.map({ rank < $0.rank }) ?? true { best = (place, rank) }
            }
            guard let best else { return symbols }
            symbols[best.place] += symbols.remove(at: best.place + 1)
        }
    }

    /// Each symbol enters the queue once and each merge adds at most two entries, so n symbols cost at most 3n
    /// operations; merging pair by pair with a scan would take n²/2.
    @Test(arguments: ["a", "ab", "aab", "abcd"])
    func workGrowsLinearlyWithTheWord(pattern: String) throws {
        var table = PairTable(capacity: 8)
        let merges: [(Int32, Int32, Int32)] = [
            (0, 0, 4), (4, 4, 5), (5, 5, 6), (0, 1, 7), (7, 7, 8), (2, 3, 9), (7, 9, 10),
        ]
        for (rank, merge) in merges.enumerated() {
            table.insert(left: merge.0, right: merge.1, PairMerge(rank: UInt32(rank), merged: merge.2))
        }
        let unit = pattern.utf8.map { Int32($0) - 97 }
        for count in [1_000, 20_000] {
            var merger = BytePairMerger()
            let word = (0..<count).map { unit[$0 % unit.count] }
            merger.merge(word, by: table) { _ in }
            #expect(merger.operationCount <= 3 * count)
        }
    }

    @Test func aLongTextWithoutSpacesIsOneWord() throws {
        let tokenizer = try Tokenizer(TinyVocabularies.byteLevel(TinyVocabularies.the))
        let count = 1 << 18
        let found = tokenizer.encode(
            [UInt8](repeating: UInt8(ascii: "a"), count: count), addSpecial: false, parseSpecial: false)
        #expect(found.count == count / 4 && Set(found).count == 1)
        let spaces = tokenizer.encode(
            [UInt8](repeating: UInt8(ascii: " "), count: count), addSpecial: false, parseSpecial: false)
        #expect(spaces.count == count)
    }
}
