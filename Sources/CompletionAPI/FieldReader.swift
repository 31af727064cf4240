internal import JSON

/// Reads the members of one JSON object with checks, remembers which keys are known, and names fields by their full
/// path. A member that is null counts as absent.
struct FieldReader {
    /// The object that is read.
    let object: JSONObject
    /// What stands before a key in `param`, such as `kv_cache.`.
    let prefix: String
    /// Those of the object's keys that somebody asked for.
    private var known: Set<String> = []

    /// `prefix` is empty for a body, else ends in a dot.
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

    /// The `param` of a member.
    func path(_ key: String) -> String { prefix + key }

    /// Keys of the object that nobody asked for, with their path, in the order of the text.
    var unknownFields: [String] { object.compactMap { known.contains($0.key) ? nil : path($0.key) } }

    /// The member of any type; nil where absent or null.
    mutating func value(_ key: String) -> JSONValue? {
        guard let value = object[key] else { return nil }
        known.insert(key)
        guard !value.isNull else { return nil }
        return value
    }

    /// Fields that are accepted without effect.
    mutating func ignore(_ keys: [String]) { known.formUnion(keys.filter { object[$0] != nil }) }

    /// The member if present; throws where it is no string.
    mutating func string(_ key: String) throws(APIError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.asString else { throw .invalidType(path(key), expected: "a string", given: value) }
        return text
    }

    /// The member if present; throws where it is no boolean.
    mutating func boolean(_ key: String) throws(APIError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let flag = value.asBool else { throw .invalidType(path(key), expected: "true or false", given: value) }
        return flag
    }

    /// The member if present; throws where it is no integer or out of range.
    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let value = value(key) else { return nil }
        return try Self.integer(value, in: range, path: path(key))
    }

    /// The member if present; integers are numbers too.
    mutating func number(_ key: String, in range: ClosedRange<Double>) throws(APIError) -> Double? {
        guard let value = value(key) else { return nil }
        return try Self.number(value, in: range, path: path(key))
    }

    /// The member if present; throws where it is no array.
    mutating func array(_ key: String) throws(APIError) -> [JSONValue]? {
        guard let value = value(key) else { return nil }
        guard let elements = value.asArray else { throw .invalidType(path(key), expected: "an array", given: value) }
        return elements
    }

    /// A reader of the member if present; throws where it is no object.
    mutating func members(_ key: String) throws(APIError) -> FieldReader? {
        guard let value = value(key) else { return nil }
        guard let object = value.asObject else { throw .invalidType(path(key), expected: "an object", given: value) }
        return FieldReader(object, prefix: path(key) + ".")
    }

    /// A value that is not a member, such as an element of an array.
    static func integer(_ value: JSONValue, in range: ClosedRange<Int>, path: String) throws(APIError) -> Int {
        let rule = "an integer from \(range.lowerBound) to \(range.upperBound)"
        guard let number = value.asInt else { throw .invalidType(path, expected: rule, given: value) }
        guard range.contains(number) else { throw .invalidValue(path, rule, given: value) }
        return number
    }

    /// A value that is not a member.
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
