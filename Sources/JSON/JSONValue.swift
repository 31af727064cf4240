/// A parsed JSON text (RFC 8259). Integers and reals are kept apart: `1` is `.integer`, `1.0` and `1e0` are `.real`.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case real(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// Null, as opposed to absent.
    public var isNull: Bool {
        if case .null = self { return true }
        return false
    }

    /// Nil for everything but booleans.
    public var asBool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    /// Nil for reals, also for `1.0`.
    public var asInt: Int? {
        if case .integer(let value) = self { return value }
        return nil
    }

    /// An integer (rounded to the nearest double beyond 2^53) or a real.
    public var asDouble: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        default: nil
        }
    }

    /// Nil for everything but strings.
    public var asString: String? {
        if case .string(let value) = self { return value }
        return nil
    }

    /// Nil for everything but arrays.
    public var asArray: [JSONValue]? {
        if case .array(let value) = self { return value }
        return nil
    }

    /// Nil for everything but objects.
    public var asObject: JSONObject? {
        if case .object(let value) = self { return value }
        return nil
    }

    /// The type with its article, for error messages: "a string", "an integer".
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .real: "a real number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// Equality of contents: strings byte for byte (never by Unicode equivalence), objects without regard to order,
/// an integer never equal to a real.
extension JSONValue: Equatable {
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.real(let left), .real(let right)): left == right
        case (.string(let left), .string(let right)): JSONKey(left) == JSONKey(right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .real(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}
