internal import CJansson
internal import Glibc

extension JSONValue {
    /// Parses one JSON value with nothing but white space around it. Any type may stand at the top level.
    ///
    /// Decided on purpose: an object with the same key twice is an error (parsers disagree on which one counts);
    /// integers outside 64 bits (but see `JSONLimits.mostLargeIntegers`) and reals that overflow are errors instead of
    /// losing digits; U+0000 is fine in values (as `\u0000`) but not in keys; lone surrogates, broken UTF-8, raw
    /// control characters and a byte order mark are errors. Time is linear in the text's length.
    public init(parsing bytes: [UInt8], limits: JSONLimits) throws(JSONError) {
        try unsafe self.init(parsing: bytes.span.bytes, limits: limits)
    }

    /// Parses bytes that somebody else owns, such as a mapped file. Nothing of them is kept.
    public init(parsing bytes: RawSpan, limits: JSONLimits) throws(JSONError) {
        self = try unsafe bytes.withUnsafeBytes { (buffer) throws(JSONError) -> JSONValue in
            try unsafe Self.parse(buffer, limits: limits)
        }
    }

    private static func parse(_ text: UnsafeRawBufferPointer, limits: JSONLimits) throws(JSONError) -> JSONValue {
        guard text.count <= limits.maxBytes else {
            throw unsafe JSONError(reason: .tooLarge(bytes: text.count, limit: limits.maxBytes), at: 0, of: text)
        }
        guard text.count > 0, let base = text.baseAddress else {
            throw unsafe JSONError(reason: .empty, at: 0, of: text)
        }
        // The library loses a NUL byte that follows a number or a word, so `1\0` would pass as `1`.
        if let nul = unsafe memchr(base, 0, text.count) {
            throw unsafe JSONError(reason: .nulByte, at: nul - UnsafeMutableRawPointer(mutating: base), of: text)
        }
        if let excess = unsafe firstExcess(over: limits, in: text) {
            throw unsafe JSONError(reason: excess.reason, at: excess.offset, of: text)
        }
        do throws(JSONError) {
            return try unsafe load(text)
        } catch {
            guard case .integerOutOfRange = error.reason, limits.mostLargeIntegers > 0 else { throw error }
            return try reparse(unsafe [UInt8](text), after: error, limits: limits)
        }
    }

    /// Writes the integer that `error` stopped behind as a real, and again for the next one.
    private static func reparse(_ text: [UInt8], after error: JSONError, limits: JSONLimits) throws(JSONError)
        -> JSONValue
    {
        var text = text
        var error = error
        for _ in 0..<limits.mostLargeIntegers {
            guard case .integerOutOfRange = error.reason else { break }
            text.insert(contentsOf: [UInt8(ascii: "."), UInt8(ascii: "0")], at: error.byteOffset)
            do throws(JSONError) {
                return try unsafe text.span.bytes.withUnsafeBytes { (buffer) throws(JSONError) -> JSONValue in
                    try unsafe load(buffer)
                }
            } catch let next {
                error = next
            }
        }
        throw error
    }

    private static func load(_ text: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        let flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL
        var failure = json_error_t()
        guard let root = unsafe json_loadb(text.baseAddress, text.count, Int(flags), &failure) else {
            throw unsafe JSONError(failure, in: text)
        }
        defer { unsafe json_decref(root) }
        return unsafe copy(root)
    }

    /// Recursion is bounded by `JSONLimits.maxDepth`.
    private static func copy(_ value: UnsafeMutablePointer<json_t>) -> JSONValue {
        switch unsafe value.pointee.type {
        case JSON_OBJECT: return .object(unsafe copyMembers(of: value))
        case JSON_ARRAY:
            let count = unsafe json_array_size(value)
            var elements: [JSONValue] = []
            elements.reserveCapacity(count)
            for index in 0..<count {
                guard let element = unsafe json_array_get(value, index) else { break }
                elements.append(unsafe copy(element))
            }
            return .array(elements)
        case JSON_STRING:
            return .string(unsafe string(json_string_value(value), byteCount: json_string_length(value)))
        case JSON_INTEGER: return .integer(Int(unsafe json_integer_value(value)))
        case JSON_REAL: return .real(unsafe json_real_value(value))
        case JSON_TRUE: return .bool(true)
        case JSON_FALSE: return .bool(false)
        default: return .null
        }
    }

    /// The library iterates in the order of insertion and has already refused duplicates.
    private static func copyMembers(of object: UnsafeMutablePointer<json_t>) -> JSONObject {
        var members: [JSONObject.Member] = []
        members.reserveCapacity(unsafe json_object_size(object))
        var place = unsafe json_object_iter(object)
        while let current = unsafe place {
            if let value = unsafe json_object_iter_value(current) {
                let key = unsafe string(json_object_iter_key(current), byteCount: json_object_iter_key_len(current))
                members.append((key, unsafe copy(value)))
            }
            unsafe place = json_object_iter_next(object, current)
        }
        return JSONObject(distinctMembers: members)
    }

    /// The library has validated the bytes as UTF-8.
    private static func string(_ start: UnsafePointer<CChar>?, byteCount: Int) -> String {
        unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: byteCount), as: UTF8.self)
    }
}
