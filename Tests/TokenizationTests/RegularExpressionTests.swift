import Testing

@testable import Tokenization

@Suite struct RegularExpressionTests {
    private func matches(_ pattern: String, _ text: String) throws -> [String] {
        let bytes = Array(text.utf8)
        return try RegularExpression(pattern).matcher().matches(in: bytes, 0..<bytes.count).map {
            String(decoding: bytes[$0], as: UTF8.self)
        }
    }

    @Test func classesAreUnicode() throws {
        #expect(try matches(#"\p{L}+"#, "abc日本é1") == ["abc日本é"])
        #expect(try matches(#"\p{N}"#, "1½²") == ["1", "½", "²"])
    }

    /// The white space of the tokenizers' own engines is Unicode's White_Space: without U+180E and U+200B.
    @Test func spacesAreWhiteSpace() throws {
        let spaces = "\t\n\u{B}\u{C}\r \u{85}\u{A0}\u{1680}\u{2000}\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}"
        #expect(try matches(#"\s"#, spaces).count == spaces.unicodeScalars.count)
        #expect(try matches(#"[\s]"#, spaces).count == spaces.unicodeScalars.count)
        #expect(try matches(#"\s|[\s]"#, "a\u{180E}\u{200B}\u{FEFF}_").isEmpty)
        #expect(try matches(#"\S+"#, "a \u{180E}b") == ["a", "\u{180E}b"])
        #expect(try matches(#"[^\s]+"#, "a b") == ["a", "b"])
        #expect(try matches(#"\\s"#, #"a\s"#) == [#"\s"#])
    }

    @Test func emptyMatchesDoNotStopTheSearch() throws {
        #expect(try matches("a*", "éaaéa") == ["", "aa", "a"])
        #expect(try matches("", "abc") == ["", "", "", ""])
        #expect(try matches("$", "abc\n") == ["", ""])
    }

    @Test func matchesStayInTheirRange() throws {
        let bytes = Array("ab cd".utf8)
        let matcher = try RegularExpression(#"\w+|(?<=a)b|^c"#).matcher()
        #expect(matcher.matches(in: bytes, 1..<4) == [1..<2, 3..<4])
        #expect(try RegularExpression(#"(?<=a)b"#).matcher().matches(in: bytes, 1..<4).isEmpty)
    }

    @Test(arguments: ["(", "[a", "a{2,1}", #"\p{Nope}"#, #"\C"#, "(?<n>a)(?<n>b)", "*"])
    func wrongPatternsAreRefusedWithTheirPlace(pattern: String) {
        #expect(throws: TokenizerError.self) { try RegularExpression(pattern) }
    }

    /// Backtracking without end gives up; the text is one piece then.
    @Test func runawayPatternsEnd() throws {
        let text = String(repeating: "a", count: 40)
        #expect(try matches("(*LIMIT_MATCH=1000)(a+)+$|b", text + "c") == [])
        #expect(try matches(#"(a|b\Kc)+"#, "abc").count <= 2)
    }

    @Test(arguments: PreTokenizerPatterns.names)
    func namedPatternsTakeLongRunsInOneGo(name: String) throws {
        for character in ["a", " ", "1", "!", "\n", "日", "A"] {
            let text = Array(String(repeating: character, count: 50_000).utf8)
            var pieces = TextPieces(text)
            for step in try PreTokenizerPatterns.steps(named: name) { step.apply(to: &pieces, isTextStart: true) }
            #expect(pieces.ranges.map(\.count).reduce(0, +) == text.count)
        }
    }
}
