import JSON
import TestSupport
import Testing

extension JSONValue {
    /// A random finite value at most `depth` levels deep, with edge cases far more often than chance would have them.
    static func random(depth: Int, using generator: inout SeededRandom) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2:
            let integers = [0, -1, .min, .max, Int.random(in: .min ... .max, using: &generator)]
            return .integer(integers.randomElement(using: &generator) ?? 0)
        case 3, 4:
            let bits = Double(bitPattern: .random(in: 0 ... .max, using: &generator))
            return Bool.random(using: &generator) && bits.isFinite
                ? .real(bits) : .real(.random(in: -1e6...1e6, using: &generator))
        case 5: return .string(randomText(using: &generator))
        case 6:
            let count = Int.random(in: 0..<6, using: &generator)
            return .array((0..<count).map { _ in .random(depth: depth - 1, using: &generator) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<14, using: &generator) {
                let key = randomText(using: &generator).filter { $0 != "\0" }
                object[key] = .random(depth: depth - 1, using: &generator)
            }
            return .object(object)
        }
    }

    private static func randomText(using generator: inout SeededRandom) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            let limit: UInt32 = [0x20, 0x80, 0x800, 0x10000, 0x110000].randomElement(using: &generator) ?? 0x80
            if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator)) { text.append(scalar) }
        }
        return String(text)
    }
}

@Suite struct JSONRoundTripTests {
    @Test(arguments: UInt64(0)..<20)
    func parsingWhatWasWrittenGivesTheSameValue(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        for _ in 0..<60 {
            let value = JSONValue.random(depth: 4, using: &generator)
            let bytes = value.serialized()
            guard try JSONValue(parsing: bytes, limits: .request) == value else {
                Issue.record("seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
                return
            }
        }
    }

    @Test func realsAreWrittenWithTheFewestDigitsThatRoundTrip() {
        let reals: [Double] = [
            0.1, 1, -0.0, 1e20, 123456789.125, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1.0 / 3,
        ]
        let texts = reals.map { String(decoding: JSONValue.real($0).serialized(), as: UTF8.self) }
        #expect(texts.prefix(6) == ["0.1", "1.0", "-0.0", "1e+20", "123456789.125", "5e-324"])
        #expect(texts.suffix(2) == ["1.7976931348623157e+308", "0.3333333333333333"])
    }

    @Test func nonFiniteRealsBecomeNull() {
        let value: JSONValue = [.real(.nan), .real(.infinity), .real(-.infinity)]
        #expect(String(decoding: value.serialized(), as: UTF8.self) == "[null,null,null]")
    }

    @Test func everyControlCharacterIsEscaped() throws {
        let text = String(String.UnicodeScalarView((0..<0x21).compactMap { Unicode.Scalar($0) }))
        let bytes = JSONValue.string(text).serialized()
        #expect(bytes.allSatisfy { $0 >= 0x20 })
        #expect(try JSONValue(parsing: bytes, limits: .request).asString == text)
        #expect(String(decoding: bytes, as: UTF8.self).hasPrefix(#""\u0000\u0001"#))
        #expect(String(decoding: bytes, as: UTF8.self).contains(#"\b\t\n\u000b\f\r\u000e"#))
        #expect(String(decoding: bytes, as: UTF8.self).contains(#"\u001f "#))
    }

    @Test func writerPlacesCommasAndKeepsWhatStoodBefore() {
        var writer = JSONWriter(after: Array("data: ".utf8))
        writer.beginObject()
        writer.key("a\"")
        writer.beginArray()
        writer.integer(-1)
        writer.bool(true)
        writer.beginObject()
        writer.endObject()
        writer.null()
        writer.endArray()
        writer.key("b")
        writer.string("\\é\u{2028}")
        writer.key("c")
        writer.value(["x": 1.5, "y": [2]])
        writer.endObject()
        let text = String(decoding: writer.bytes, as: UTF8.self)
        #expect(text == #"data: {"a\"":[-1,true,{},null],"b":"\\é\#u{2028}","c":{"x":1.5,"y":[2]}}"#)
        writer.reset()
        writer.integer(7)
        #expect(writer.bytes == Array("7".utf8))
    }
}
