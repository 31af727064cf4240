import Foundation
import Testing

@testable import Tokenization

/// No text takes more than linear time, but for a logarithm: a hostile prompt must not hold the server up.
@Suite(.serialized) struct LongTextTests {
    private static let kinds = [
        "unigram.model", "unigram-bytes.model", "merges.model", "wordpiece.json", "unigram-precompiled.json",
        "falcon-like.json", "stripped.json", "nfkc.json", "metaspace-first-bytes.json", "recall",
    ]
    private static let parts = ["a", " ", "ab", "\n ", "1", "日", "e\u{301}", "a ", "\u{0}"]

    private static func seconds(_ body: () -> Void) -> Double {
        let time = ContinuousClock().measure(body)
        return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    }

    /// Whether eight times the text takes more than 24 times as long; quadratic cost would take 64 times. What is done
    /// within a fifth of a second is no trouble whatever its growth; a busy machine gets three tries.
    private static func isTooSlow(_ part: String, length: Int, _ body: (String) -> Void) -> Bool {
        let short = String(repeating: part, count: length / 8)
        let long = String(repeating: part, count: length)
        return (0..<3).allSatisfy { _ in
            let time = seconds { body(long) }
            return time > 0.2 && time > 24 * seconds { body(short) }
        }
    }

    @Test(arguments: kinds)
    func timeGrowsWithTheText(kind: String) throws {
        let tokenizer = try kind == "recall" ? Fixtures.recall() : ParityVectorTests.tokenizer(kind)
        let slow = Self.parts.filter { part in
            Self.isTooSlow(part, length: 8_000) { text in
                _ = tokenizer.encode(text, addSpecial: false, parseSpecial: true)
            }
        }
        #expect(slow == [])
    }

    @Test func namedPatternsSplitLongTextsWithoutGivingUp() throws {
        var seen: Set<String> = []
        var wrong: [String] = []
        for name in PreTokenizerPatterns.names {
            let steps = try PreTokenizerPatterns.steps(named: name)
            guard seen.insert("\(steps.map(Self.pattern))").inserted else { continue }
            for part in Self.parts {
                func split(_ text: String) -> [Range<Int>] {
                    var pieces = TextPieces(Array(text.utf8))
                    for step in steps { step.apply(to: &pieces, isTextStart: true) }
                    return pieces.ranges
                }
                let text = String(repeating: part, count: 40_000)
                if split(text).reduce(0, { $0 + $1.count }) != text.utf8.count {
                    wrong.append("\(name) loses some of \(part.debugDescription)")
                }
                if Self.isTooSlow(part, length: 40_000, { _ = split($0) }) {
                    wrong.append("\(name) is slow on \(part.debugDescription)")
                }
            }
        }
        #expect(seen.count > 20)
        #expect(wrong == [])
    }

    private static func pattern(_ step: PreTokenizerStep) -> String {
        if case .split(let expression, _, _) = step { return expression.pattern }
        return "\(step)"
    }
}
