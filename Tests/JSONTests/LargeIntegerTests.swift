import JSON
import Testing

/// Files of models write "no limit" as an integer that no 64 bits hold.
@Suite struct LargeIntegerTests {
    static let text = Array(#"{"a":1000000000000000019884624838656,"b":[7,-99999999999999999999]}"#.utf8)

    @Test func filesReadThemAsReals() throws {
        let value = try JSONValue(parsing: Self.text, limits: .file)
        #expect(value == ["a": 1e30, "b": [7, -1e20]])
    }

    @Test func requestsRefuseThem() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: Self.text, limits: .request) }
    }

    @Test func noMoreThanTheLimitIsRewritten() {
        let many = Array(("[" + Array(repeating: "99999999999999999999", count: 17).joined(separator: ",") + "]").utf8)
        #expect(throws: JSONError.self) { try JSONValue(parsing: many, limits: .file) }
        #expect(throws: Never.self) {
            try JSONValue(parsing: many, limits: JSONLimits(maxBytes: 4096, maxDepth: 4, mostLargeIntegers: 17))
        }
    }
}
