import JSON
import Testing

@Suite struct JSONObjectTests {
    @Test func membersKeepTheOrderOfTheText() throws {
        let keys = (0..<300).map { "k\(($0 * 7919) % 1000)" }
        let text = "{" + keys.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
        let object = try JSONValue(parsing: Array(text.utf8), limits: .request).asObject
        #expect(object?.keys == keys)
        #expect(object?.map(\.key) == keys)
    }

    @Test(arguments: [0, 1, 8, 9, 10, 100])
    func lookUpFindsEveryMemberAndNothingElse(count: Int) {
        var object = JSONObject()
        for index in 0..<count { object["key\(index)"] = .integer(index) }
        #expect(object.count == count)
        #expect((0..<count).allSatisfy { object["key\($0)"] == .integer($0) })
        #expect(object["key\(count)"] == nil)
    }

    @Test(arguments: [3, 9, 30])
    func settingReplacesAndNilRemoves(count: Int) {
        var object = JSONObject()
        for index in 0..<count { object["key\(index)"] = .integer(index) }
        object["key1"] = "new"
        #expect(object.count == count)
        #expect(object["key1"] == "new")
        object["key0"] = nil
        object["absent"] = nil
        #expect(object.count == count - 1)
        #expect(object["key0"] == nil)
        #expect(object["key\(count - 1)"] == .integer(count - 1))
        #expect(object.keys == (1..<count).map { "key\($0)" })
    }

    @Test func canonicallyEquivalentKeysAreDifferentKeys() {
        var object = JSONObject()
        object["\u{E9}"] = 1
        object["e\u{301}"] = 2
        #expect(object.count == 2)
        for index in 0..<20 { object["\(index)"] = .null }
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
    }

    @Test func equalityIgnoresOrder() {
        let left: JSONValue = ["a": 1, "b": 2]
        #expect(left == ["b": 2, "a": 1])
        #expect(left != ["b": 2, "a": 1.0])
        #expect(left != ["a": 1])
    }

    /// A vocabulary of a quarter of a million entries: quadratic look-up would take minutes.
    @Test(.timeLimit(.minutes(1)))
    func largeObjectsAreParsedInLinearTime() throws {
        var writer = JSONWriter()
        writer.beginObject()
        for index in 0..<250_000 {
            writer.key("token-\(index)-Ġ")
            writer.integer(index)
        }
        writer.endObject()
        let object = try JSONValue(parsing: writer.bytes, limits: .file).asObject
        #expect(object?.count == 250_000)
        var wrong = 0
        for index in stride(from: 0, to: 250_000, by: 10) {
            if object?["token-\(index)-Ġ"]?.asInt != index { wrong += 1 }
        }
        #expect(wrong == 0)
    }
}
