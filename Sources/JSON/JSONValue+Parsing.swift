internal import CJansson
internal import Glibc

extension JSONValue {
    /// Parses one JSON value with nothing but white space around it. Any type may stand at the top level.
    ///
    /// Decided on purpose: an object with the same key twice is an error (parsers disagree on which one counts);
    /// integers outside 64 bits and reals that overflow are errors instead of losing digits; U+0000 is fine in values
    /// (as `\u0000`) but not in keys; lone surrogates, broken UTF-8, raw control characters and a byte order mark are
    /// errors. Time is linear in the text's length.
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
        if let offset = unsafe firstBracketDeeper(than: limits.maxDepth, in: text) {
            throw unsafe JSONError(reason: .tooDeep(limit: limits.maxDepth), at: offset, of: text)
        }
        let flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL
        var failure = json_error_t()
        guard let root = unsafe json_loadb(base, text.count, Int(flags), &failure) else {
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

/// Offset of the first bracket that opens level `limit + 1`. jansson recurses up to 2048 levels deep on the caller's
/// stack, so the depth is checked before. Up to the first offence against the grammar this sees the same strings and
/// brackets as the parser; behind it the parser does not read.
private func firstBracketDeeper(than limit: Int, in text: UnsafeRawBufferPointer) -> Int? {
    var depth = 0
    var isInString = false
    var offset = 0
    while offset < text.count {
        let byte = unsafe text[offset]
        if isInString {
            if byte == UInt8(ascii: "\\") {
                offset += 1
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if depth > limit { return offset }
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        offset += 1
    }
    return nil
}
