/// Reads what `ByteWriter` wrote. Every length is checked against what is left before memory is taken for it.
struct ByteReader {
    /// A read beyond the end, or a value that cannot be.
    struct Fault: Error { let reason: String }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var rest: Int { bytes.count - position }

    mutating func take(_ count: Int) throws(Fault) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest else { throw Fault(reason: "it ends in the middle of its header") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws(Fault) -> Value {
        var value: Value = 0
        for (index, byte) in try take(Value.bitWidth / 8).enumerated() {
            value |= Value(truncatingIfNeeded: byte) << (8 * index)
        }
        return value
    }

    /// A count, nil for -1.
    mutating func count(upTo most: Int) throws(Fault) -> Int? {
        let value = try integer(Int64.self)
        if value == -1 { return nil }
        guard value >= 0, value <= most else { throw Fault(reason: "a count of \(value)") }
        return Int(value)
    }

    mutating func requiredCount(upTo most: Int) throws(Fault) -> Int {
        guard let count = try count(upTo: most) else { throw Fault(reason: "a count is missing") }
        return count
    }

    mutating func blob() throws(Fault) -> [UInt8] {
        let length = Int(try integer(UInt32.self))
        return Array(try take(length))
    }

    mutating func text() throws(Fault) -> String {
        guard let text = String(validating: try blob(), as: UTF8.self) else {
            throw Fault(reason: "a text is not UTF-8")
        }
        return text
    }
}
