import Foundation
import Testing

@testable import Tokenization

/// No text takes more than linear time, but for a logarithm: a hostile prompt must not hold the server up.
@Suite(.serialized) struct LongTextTests {
    private static let kinds = [
        "unigram.model", "unigram-bytes.model", "merges.model", "wordpiece.json", "unigram-precompiled.json",
        "falcon-like.json", "stripped.json", "nfkc.json", "metaspace-first-bytes.json", "recall",
    ]
    private static let parts = [
        "a", " ", "ab", "\n ", "1", "!", "日", "e\u{301}", "\u{301}", "🙂", "aB", "a ", "'", "\u{0}",
    ]
    /// Characters of the shorter text, so that a whole run stays within seconds in a debug build.
    private static let length = 20_000

    private static func seconds(_ tokenizer: Tokenizer, _ text: String) -> Double {
        let clock = ContinuousClock()
        let time = clock.measure { _ = tokenizer.encode(text, addSpecial: false, parseSpecial: true) }
        return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    }

    /// Whether eight times the text takes more than 24 times as long; quadratic cost would take 64 times.
    /// A text that is done within a fifth of a second is no trouble whatever its growth; a busy machine gets three
    /// tries.
    private static func isTooSlow(_ tokenizer: Tokenizer, _ part: String) -> Bool {
        let short = String(repeating: part, count: length / 8)
        let long = String(repeating: part, count: length)
        return (0..<3).allSatisfy { _ in
            let time = seconds(tokenizer, long)
            return time > 0.2 && time > 24 * seconds(tokenizer, short)
        }
    }

    @Test(arguments: kinds)
    func timeGrowsWithTheText(kind: String) throws {
        let tokenizer = try kind == "recall" ? Fixtures.recall() : ParityVectorTests.tokenizer(kind)
        let slow = Self.parts.filter { Self.isTooSlow(tokenizer, $0) }
        #expect(slow == [])
    }

    @Test(arguments: PreTokenizerPatterns.names)
    func everyNamedPatternSplitsLongTexts(name: String) throws {
        var fields = TinyVocabularies.byteLevel(TinyVocabularies.the)
        fields.pre = name
        fields.addBOS = false
        let tokenizer = try Tokenizer(fields)
        var wrong: [String] = []
        for part in Self.parts {
            let text = String(repeating: part, count: Self.length)
            let ids = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            if tokenizer.decode(ids, skipSpecial: true) != text {
                wrong.append("\(part.debugDescription) is not whole")
            }
            if Self.isTooSlow(tokenizer, part) { wrong.append("\(part.debugDescription) is slow") }
        }
        #expect(wrong == [])
    }
}
