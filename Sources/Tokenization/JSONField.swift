internal import JSON

/// A value in a JSON file and the path that leads to it, so that each error names its place.
struct JSONField {
    let path: String
    let value: JSONValue

    /// A member that is there and not null.
    func member(_ key: String) -> JSONField? {
        guard let value = value.asObject?[key], !value.isNull else { return nil }
        return JSONField(path: path.isEmpty ? key : "\(path).\(key)", value: value)
    }

    /// A member that must be there.
    func required(_ key: String) throws(TokenizerError) -> JSONField {
        guard let member = member(key) else {
            throw .badField(field: path.isEmpty ? key : "\(path).\(key)", reason: "missing")
        }
        return member
    }

    func string() throws(TokenizerError) -> String { try expect(value.asString, "a string") }
    func text() throws(TokenizerError) -> [UInt8] { Array(try string().utf8) }
    func bool() throws(TokenizerError) -> Bool { try expect(value.asBool, "true or false") }
    func integer() throws(TokenizerError) -> Int { try expect(value.asInt, "an integer") }
    func object() throws(TokenizerError) -> JSONObject { try expect(value.asObject, "an object") }

    func elements() throws(TokenizerError) -> [JSONField] {
        try expect(value.asArray, "an array").enumerated().map { JSONField(path: "\(path)[\($0)]", value: $1) }
    }

    /// An optional member's truth value; null and absent count as the default.
    func flag(_ key: String, default absent: Bool) throws(TokenizerError) -> Bool {
        guard let field = member(key) else { return absent }
        return try field.bool()
    }

    private func expect<Value>(_ found: Value?, _ wanted: String) throws(TokenizerError) -> Value {
        guard let found else { throw .badField(field: path, reason: "must be \(wanted), not \(value.typeName)") }
        return found
    }
}
