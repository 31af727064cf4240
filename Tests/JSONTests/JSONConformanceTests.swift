import JSON
import Testing

/// Texts that must be accepted, with what they mean.
private let accepted: [(String, JSONValue)] = [
    ("null", .null), (" \t\r\n true \n", true), ("false", false), ("0", 0), ("-0", 0), ("-1", -1),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ("1.0", 1.0), ("1e0", 1.0), ("1E+2", 100.0), ("-0.0", .real(-0.0)),
    ("1e-400", 0.0), ("5e-324", .real(.leastNonzeroMagnitude)),
    ("1.7976931348623157e308", .real(.greatestFiniteMagnitude)), ("0.1", 0.1),
    ("\"\"", ""), ("\"a\"", "a"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
    (#""\u0041\u00e9\u20AC""#, "Aé€"), (#""\ud83d\ude00""#, "😀"), ("\"😀\"", "😀"), (#""\u0000""#, "\0"),
    ("\"\u{7F}\u{2028}\u{FFFF}\"", "\u{7F}\u{2028}\u{FFFF}"), (#""\uFFFD""#, "\u{FFFD}"),
    ("[]", []), ("[ 1 , 2.5,\"x\" ,null]", [1, 2.5, "x", nil]), ("{}", [:]),
    (#"{"b":1,"a":{"c":[]}}"#, ["b": 1, "a": ["c": []]]), (#"{"":0}"#, ["": 0]),
    ("{\"\u{E9}\":1,\"e\u{301}\":2}", ["\u{E9}": 1, "e\u{301}": 2]),
]

/// Bytes that must be refused, with a word of the reason.
private let refused: [([UInt8], String)] =
    [
        ("", "empty"), (" ", "end of file"), ("nul", "token"), ("True", "token"), ("01", "token"),
        ("+1", "token"), (".5", "token"), ("1.", "token"), ("1e", "token"), ("- 1", "token"), ("NaN", "token"),
        ("Infinity", "token"), ("0x10", "expected"), ("1 2", "end of file expected"), ("[1,]", "token"),
        ("[,1]", "token"), ("[1 2]", "expected"), ("[1", "expected"), ("]", "token"), ("{", "expected"),
        ("{\"a\"}", "expected"), ("{\"a\":}", "token"), ("{\"a\":1,}", "expected"), ("{a:1}", "expected"),
        ("{1:1}", "expected"), ("'a'", "token"), ("\"a", "end of input"), ("\"\\x\"", "escape"),
        ("\"\\u12g4\"", "escape"), ("\"\n\"", "newline"), ("\"\t\"", "control"), ("\"\u{1}\"", "control"),
        ("[1]//c", "expected"), ("/*c*/1", "token"), ("\u{FEFF}1", "token"), ("\u{A0}1", "token"),
        ("9223372036854775808", "range of 64 bits"), ("-9223372036854775809", "range of 64 bits"),
        ("1e400", "too large"), ("-1e400", "too large"), ("[1.5e999]", "too large"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "\"a\" occurs twice"), ("{\"x\":{\"k\":1,\"\\u006b\":2}}", "occurs twice"),
        (#""\ud800""#, "Unicode"), (#""\ud83dx""#, "Unicode"), (#""\ude00""#, "Unicode"),
        (#""\ud83d\ud83d""#, "Unicode"), (#"{"\u0000":1}"#, "U+0000"), ("{\"a\" 1}", "expected"),
    ].map { (Array($0.0.utf8), $0.1) } + [
        ([0x22, 0xFF, 0x22], "UTF-8"), ([0x22, 0xC3, 0x22], "UTF-8"), ([0x22, 0xC0, 0x80, 0x22], "UTF-8"),
        ([0x22, 0xED, 0xA0, 0x80, 0x22], "UTF-8"), ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], "UTF-8"),
        ([0x22, 0x80, 0x22], "UTF-8"), ([0xFF], "UTF-8"), ([0x22, 0xE2, 0x82], "UTF-8"),
        ([0x31, 0x00], "NUL"), ([0x22, 0x00, 0x22], "NUL"), ([0x00], "NUL"), (Array("[true\0,1\0]".utf8), "NUL"),
    ]

@Suite struct JSONConformanceTests {
    @Test(arguments: accepted.indices)
    func validTextsAreAccepted(row: Int) throws {
        let (text, value) = accepted[row]
        #expect(try JSONValue(parsing: Array(text.utf8), limits: .request) == value, "\(text)")
    }

    @Test(arguments: refused.indices)
    func invalidTextsAreRefusedWithAReason(row: Int) {
        let (text, word) = refused[row]
        let error = #expect(throws: JSONError.self, "\(text)") { try JSONValue(parsing: text, limits: .request) }
        #expect(error?.description.contains(word) == true, "\(String(decoding: text, as: UTF8.self)): \(error as Any)")
    }

    @Test func negativeZeroKeepsItsSign() throws {
        #expect(try JSONValue(parsing: Array("-0.0".utf8), limits: .request).asDouble?.sign == .minus)
    }

    @Test func integersAndRealsAreKeptApart() throws {
        let values = try JSONValue(parsing: Array("[1,1.0]".utf8), limits: .request).asArray
        #expect(values?.map(\.asInt) == [1, nil])
        #expect(values?.map(\.asDouble) == [1, 1])
        #expect(values?.first != values?.last)
    }

    @Test func everyTypeHasAName() {
        let values: [JSONValue] = [nil, true, 1, 1.5, "s", [], [:]]
        let names = ["null", "a boolean", "an integer", "a real number", "a string", "an array", "an object"]
        #expect(values.map(\.typeName) == names)
    }
}

@Suite struct JSONErrorTests {
    private func error(_ text: String, limits: JSONLimits = .request) -> JSONError? {
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8), limits: limits) }
    }

    @Test func positionsCountLinesAndCharacters() {
        let error = error("{\n  \"é\": 1,\n  \"ü\": nope\n}")
        #expect(error?.line == 3)
        #expect(error?.column == 12)
        #expect(error?.byteOffset == 25)
        #expect(error?.description.contains("line 3, column 12 (byte 25)") == true)
    }

    @Test func duplicateKeysAreNamed() {
        #expect(error(#"{"a\"b":1,"a\"b":2}"#)?.reason == .duplicateKey(#"a\"b"#))
        #expect(error(#"{"":1,"":2}"#)?.reason == .duplicateKey(""))
    }

    @Test func longTokensAreShortened() {
        let key = String(repeating: "k", count: 5000)
        #expect(error("{\"\(key)\":1,\"\(key)\":2}").map { $0.description.utf8.count < 200 } == true)
        #expect(error("[\(String(repeating: "9", count: 5000))]").map { $0.description.utf8.count < 200 } == true)
        #expect(error("[\(key)]").map { $0.description.utf8.count < 200 } == true)
    }

    @Test func depthIsCheckedBeforeParsing() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try JSONValue(parsing: Array(nested(64).utf8), limits: .request) }
        let error = error(nested(65))
        #expect(error?.reason == .tooDeep(limit: 64))
        #expect(error?.byteOffset == 64)
        #expect(self.error(String(repeating: "[", count: 1_000_000))?.reason == .tooDeep(limit: 64))
        #expect(self.error(String(repeating: "{\"a\":", count: 100_000))?.reason == .tooDeep(limit: 64))
        let deepest = JSONLimits(maxBytes: 10_000, maxDepth: JSONLimits.deepest)
        #expect(throws: Never.self) { try JSONValue(parsing: Array(nested(JSONLimits.deepest).utf8), limits: deepest) }
    }

    @Test func bracketsInsideStringsDoNotCount() throws {
        let limits = JSONLimits(maxBytes: 1000, maxDepth: 1)
        let value = try JSONValue(parsing: Array(#"["[[[\"{{{\\"]"#.utf8), limits: limits)
        #expect(value == [#"[[["{{{\"#])
        #expect(error(#"["\\",[]]"#, limits: limits)?.reason == .tooDeep(limit: 1))
    }

    @Test func valuesAreLimited() {
        let limits = JSONLimits(maxBytes: 100, maxDepth: 4, maxValues: 4)
        #expect(throws: Never.self) { try JSONValue(parsing: Array("[1,2,\",,,[[\"]".utf8), limits: limits) }
        #expect(error("[1,2,3,4]", limits: limits)?.reason == .tooManyValues(limit: 4))
        #expect(error("{\"a\":[{},[1]]}", limits: limits)?.reason == .tooManyValues(limit: 4))
        let many = "[" + String(repeating: "0,", count: 2 << 20) + "0]"
        #expect(error(many)?.reason == .tooManyValues(limit: 1 << 20))
    }

    @Test func sizeIsLimited() {
        let limits = JSONLimits(maxBytes: 4, maxDepth: 1)
        #expect(throws: Never.self) { try JSONValue(parsing: Array("1234".utf8), limits: limits) }
        #expect(error("12345", limits: limits)?.reason == .tooLarge(bytes: 5, limit: 4))
    }
}
