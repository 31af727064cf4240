/// Appends numbers and texts in the byte order of the file format, the least significant byte first.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ more: [UInt8]) { bytes += more }

    mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// A count of things, or -1 for none.
    mutating func count(_ value: Int?) { integer(Int64(value ?? -1)) }

    mutating func text(_ text: String) { blob(Array(text.utf8)) }

    /// Length and bytes.
    mutating func blob(_ blob: [UInt8]) {
        integer(UInt32(blob.count))
        bytes += blob
    }
}
