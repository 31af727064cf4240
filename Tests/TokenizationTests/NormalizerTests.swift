import Testing

@testable import Tokenization

@Suite struct NormalizerTests {
    private func normalized(_ text: String, _ steps: NormalizerStep...) -> String {
        String(decoding: steps.normalize(Array(text.utf8)), as: UTF8.self)
    }

    @Test(arguments: [
        (NormalizationForm.compatibilityComposed, "ﬁ Ａ ½ ℌ ㍿ ẛ\u{323} ﾊﾟ", "fi A 1⁄2 H 株式会社 ṩ パ"),
        (.compatibilityDecomposed, "ﬁé", "fie\u{301}"), (.decomposed, "é각ﬁ", "e\u{301}\u{1100}\u{1161}\u{11A8}ﬁ"),
        (.composed, "e\u{301}ﬁ", "éﬁ"),
    ])
    func formsAreThoseOfUnicode(form: NormalizationForm, text: String, wanted: String) {
        #expect(Array(normalized(text, .form(form)).utf8) == Array(wanted.utf8))
    }

    @Test func stepsRewriteWhatTheySay() throws {
        #expect(normalized(" \u{3000}a b\n", .strip(left: true, right: false)) == "a b\n")
        #expect(normalized(" a b\n", .strip(left: true, right: true)) == "a b")
        #expect(normalized("ÄİΣ", .lowercase) == "äi\u{307}σ")
        #expect(normalized("e\u{301}\u{20DD}a", .stripAccents) == "ea")
        #expect(normalized("a  b   c", .replacePattern(try RegularExpression(" {2,}"), with: [0x5F])) == "a_b_c")
        #expect(normalized("Éa\u{0}日b\t", .bert(BertNormalizer())) == "ea 日 b ")
    }

    /// A spacing mark in newer Unicode; in the reference, as in Unicode 14, one of those that are dropped.
    @Test func ahomMedialRaIsAnAccent() {
        #expect(normalized("a\u{1171E}b\u{1171D}c\u{11720}d", .bert(BertNormalizer())) == "abc\u{11720}d")
    }

    @Test func sentencePieceSpacesAsItsFileSays() {
        var normalizer = SentencePieceNormalizer()
        #expect(normalized("  a   b ", .sentencePiece(normalizer)) == "▁a▁b")
        #expect(normalized("   ", .sentencePiece(normalizer)) == "")
        normalizer.removesExtraSpaces = false
        #expect(normalized(" a  b ", .sentencePiece(normalizer)) == "▁▁a▁▁b▁")
        normalizer.marksWordEnds = true
        normalizer.escapesSpaces = false
        #expect(normalized("a b", .sentencePiece(normalizer)) == "a b ")
    }

    @Test(arguments: [
        ("YQ==", "a"), ("YWI", "ab"), ("YWJj", "abc"), ("", ""), ("Y", nil), ("Y=Q=", nil), ("Y?==", nil), ("YQ=", nil),
    ])
    func base64IsStrict(text: String, bytes: String?) {
        #expect(Base64.decode(Array(text.utf8)) == bytes.map { Array($0.utf8) })
    }

    @Test(arguments: [
        (#"\w+"#, #"[\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE}\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]+"#),
        (#"[\w-]"#, #"[\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE}\p{Alphabetic}\p{M}\p{Nd}\p{Pc}-]"#),
        (#"\p{Han}\P{Lu}"#, #"\p{sc:Han}\P{Lu}"#),
        (#"[]\h]"#, #"[]0-9A-Fa-f]"#), (#"[[:alpha:]]\["#, #"[[:alpha:]]\["#),
    ])
    func patternsAreReadAsTheirEnginesReadThem(pattern: String, wanted: String) throws {
        #expect(try PatternDialect.translated(pattern) == wanted)
    }

    @Test(arguments: ["[a&&b]", "[a[b]]"])
    func setsWithinSetsAreRefused(pattern: String) {
        #expect(throws: TokenizerError.self) { try RegularExpression(pattern) }
    }

    @Test(arguments: [
        (DigitGroups.Kind.groups, "1234567", [0..<1, 1..<4, 4..<7]),
        (.groups, "123a 45", [5..<7]), (.groups, "12½", []), (.groups, "1234①", [0..<1, 1..<4]), (.groups, "12²", []),
        (.numerals, "1234a½", [0..<1, 1..<4, 5..<7]),
        (.borders, "12345 67", [2..<2]), (.borders, "123456", [0..<0, 3..<3]), (.borders, "12", []),
    ])
    func digitsAreGroupedFromTheRight(kind: DigitGroups.Kind, text: String, wanted: [Range<Int>]) {
        let bytes = Array(text.utf8)
        #expect(DigitGroups(kind: kind).matches(in: bytes, 0..<bytes.count) == wanted)
    }
}
