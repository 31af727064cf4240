import TestSupport
import Testing

@testable import Tokenization

@Suite struct StopStringMatcherTests {
    private func run(_ pieces: [String], _ stops: [String], includeStop: Bool = false) -> (text: String, stop: String?)
    {
        var matcher = StopStringMatcher(stops, includeStop: includeStop)
        var text = ""
        for piece in pieces {
            let (emit, matched) = matcher.append(piece)
            text += emit
            if let matched { return (text + matcher.finish(), matched) }
        }
        return (text + matcher.finish(), nil)
    }

    @Test func stopAcrossPiecesIsCut() {
        #expect(run(["abc<e", "n", "d>def"], ["<end>"]) == ("abc", "<end>"))
        #expect(run(["abc<e", "n", "d>def"], ["<end>"], includeStop: true) == ("abc<end>", "<end>"))
    }

    @Test func whatCouldBeginAStopIsHeldBackAndNoMore() {
        var matcher = StopStringMatcher(["<end>", "abab"], includeStop: false)
        #expect(matcher.append("x<e") == ("x", nil))
        #expect(matcher.append("<e") == ("<e", nil))
        #expect(matcher.append("Nab") == ("<eN", nil))
        #expect(matcher.append("a") == ("", nil))
        #expect(matcher.append("c") == ("abac", nil))
        #expect(matcher.append("ab") == ("", nil))
        #expect(matcher.finish() == "ab")
    }

    @Test func earliestEndWinsThenTheLongest() {
        #expect(run(["xabcd"], ["abcd", "bc"]) == ("xa", "bc"))
        #expect(run(["xabc"], ["bc", "abc"]) == ("x", "abc"))
        #expect(run(["xabc"], ["bc", "abc", "abc"]) == ("x", "abc"))
    }

    @Test func nothingFollowsAMatch() {
        var matcher = StopStringMatcher(["."], includeStop: false)
        #expect(matcher.append("a.b") == ("a", "."))
        #expect(matcher.append("c") == ("", nil))
        #expect(matcher.finish() == "")
    }

    @Test func noStopsPassEverything() {
        #expect(run(["a", "b"], []) == ("ab", nil))
        #expect(run(["a", "b"], [""]) == ("ab", nil))
    }

    @Test func charactersAreComparedByTheirBytes() {
        #expect(run(["e\u{301}"], ["é"]) == ("e\u{301}", nil))
        #expect(run(["xé"], ["é"]) == ("x", "é"))
        // The stop shares its first byte with the text's character.
        #expect(run(["ê", "é"], ["é"]) == ("ê", "é"))
    }

    /// Against the definition: the shortest prefix of the text that ends with a stop string, for random splits.
    @Test func splitsDoNotMatter() {
        var generator = SeededGenerator(seed: 0)
        func random(_ count: ClosedRange<Int>) -> String {
            (0..<Int.random(in: count, using: &generator)).map { _ in
                ["a", "b", "é", "ê"].randomElement(using: &generator) ?? "a"
            }
            .joined()
        }
        let budget = FuzzBudget()
        var count = 0
        while budget.isLeft {
            count += 1
            let stops = (0..<Int.random(in: 1...4, using: &generator)).map { _ in random(1...4) }
            let text = random(0...30)
            var pieces: [String] = []
            var rest = text[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...4, using: &generator)
                pieces.append(String(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let found = run(pieces, stops)
            let wanted = naive(text, stops)
            guard found == wanted else {
                Issue.record("text \(count), stops \(stops), pieces \(pieces): \(found), expected \(wanted)")
                return
            }
        }
        budget.report("stop strings: \(count) texts")
    }

    private func naive(_ text: String, _ stops: [String]) -> (String, String?) {
        for length in 0...text.count {
            let prefix = text.prefix(length)
            let ending = stops.filter { prefix.hasSuffix($0) }.max { $0.utf8.count < $1.utf8.count }
            if let ending { return (String(prefix.dropLast(ending.count)), ending) }
        }
        return (text, nil)
    }
}
