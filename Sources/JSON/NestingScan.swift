/// The first place where a text nests deeper or has more values than allowed.
///
/// jansson recurses up to 2048 levels deep on the stack of the caller and allocates per value, so both are bounded
/// before it runs. Up to the first offence against the grammar this sees the same strings, brackets and commas as the
/// parser; behind it the parser does not read. Values are counted by what comes before them: a comma, an opening
/// bracket, or nothing (so an empty array counts twice).
func firstExcess(
    over limits: JSONLimits, in text: UnsafeRawBufferPointer
) -> (reason: JSONError.Reason, offset: Int)? {
    var depth = 0
    var values = 1
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
                values += 1
                if depth > limits.maxDepth { return (.tooDeep(limit: limits.maxDepth), offset) }
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ","): values += 1
            default: break
            }
            if values > limits.maxValues { return (.tooManyValues(limit: limits.maxValues), offset) }
        }
        offset += 1
    }
    return nil
}
