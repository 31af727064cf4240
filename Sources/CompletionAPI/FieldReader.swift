internal import JSON

/// Reads the members of one JSON object with checks, remembers which keys are known, and names fields by their full
/// path. A member that is null counts as absent.
struct FieldReader {
    let object: JSONObject
    /// What stands before a key in `param`, such as `kv_cache.`.
    let prefix: String
    private var known: Set<String> = []

    init(_ object: JSONObject, prefix: String) {
        self.object = object
        self.prefix = prefix
    }

    /// The object that is a request's body.
    init(body: [UInt8], limits: JSONLimits) throws(APIError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: body, limits: limits)
        } catch {
            throw APIError(error)
        }
        guard let object = value.asObject else {
            throw .invalidRequest(
                "The body must be a JSON object, not \(Self.excerpt(value)).", param: nil, code: "invalid_type")
        }
        self.init(object, prefix: "")
    }

    func path(_ key: String) -> String { prefix + key }

    /// Keys of the object that nobody asked for, with their path, in the order of the text.
    var unknownFields: [String] { object.compactMap { known.contains($0.key) ? nil : path($0.key) } }

    mutating func value(_ key: String) -> JSONValue? {
        known.insert(key)
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// Fields that are accepted without effect.
    mutating func ignore(_ keys: [String]) { known.formUnion(keys) }

    mutating func string(_ key: String) throws(APIError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.asString else { throw .invalidType(path(key), expected: "a string", given: value) }
        return text
    }

    mutating func boolean(_ key: String) throws(APIError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let flag = value.asBool else { throw .invalidType(path(key), expected: "true or false", given: value) }
        return flag
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let value = value(key) else { return nil }
        return try Self.integer(value, in: range, path: path(key))
    }

    mutating func number(_ key: String, in range: ClosedRange<Double>) throws(APIError) -> Double? {
        guard let value = value(key) else { return nil }
        return try Self.number(value, in: range, path: path(key))
    }

    mutating func array(_ key: String) throws(APIError) -> [JSONValue]? {
        guard let value = value(key) else { return nil }
        guard let elements = value.asArray else { throw .invalidType(path(key), expected: "an array", given: value) }
        return elements
    }

    mutating func members(_ key: String) throws(APIError) -> FieldReader? {
        guard let value = value(key) else { return nil }
        guard let object = value.asObject else { throw .invalidType(path(key), expected: "an object", given: value) }
        return FieldReader(object, prefix: path(key) + ".")
    }

    static func integer(_ value: JSONValue, in range: ClosedRange<Int>, path: String) throws(APIError) -> Int {
        let rule = "an integer from \(range.lowerBound) to \(range.upperBound)"
        guard let number = value.asInt else { throw .invalidType(path, expected: rule, given: value) }
        guard range.contains(number) else { throw .invalidValue(path, rule, given: value) }
        return number
    }

    static func number(_ value: JSONValue, in range: ClosedRange<Double>, path: String) throws(APIError) -> Double {
        let rule = "a number from \(plain(range.lowerBound)) to \(plain(range.upperBound))"
        guard let number = value.asDouble else { throw .invalidType(path, expected: rule, given: value) }
        guard range.contains(number) else { throw .invalidValue(path, rule, given: value) }
        return number
    }

    /// Long values are cut: an error never repeats a prompt.
    static func excerpt(_ value: JSONValue) -> String {
        switch value {
        case .array, .object: return value.typeName
        case .string(let text) where text.utf8.count > 40:
            let start = JSONValue.string("\(text.prefix(30))…").serialized()
            return String(decoding: start, as: UTF8.self)
        default: return String(decoding: value.serialized(), as: UTF8.self)
        }
    }

    private static func plain(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? String(number)
    }
}
