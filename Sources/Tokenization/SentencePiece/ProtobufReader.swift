/// Reads the wire format of protocol buffers from bytes that nobody has checked: every length lies within the message,
/// and each error names field and place.
struct ProtobufReader {
    /// A field's value as the wire has it.
    enum Value {
        case varint(UInt64)
        case fixed32(UInt32)
        case fixed64(UInt64)
        case bytes(Range<Int>)
    }

    private let bytes: [UInt8]
    private var place: Int
    private let end: Int
    /// What the message is called in errors.
    let name: String

    /// The message in `range`, by default all of `bytes`.
    init(_ bytes: [UInt8], _ range: Range<Int>? = nil, name: String) {
        self.bytes = bytes
        self.name = name
        place = range?.lowerBound ?? 0
        end = range?.upperBound ?? bytes.count
    }

    /// The next field's number and value; nil at the end.
    mutating func next() throws(TokenizerError) -> (number: Int, value: Value)? {
        guard place < end else { return nil }
        let start = place
        let key = try varint()
        let number = Int(key >> 3 & 0x1FFF_FFFF)
        guard number > 0, key >> 3 <= 0x1FFF_FFFF else { throw wrong(start, "field number \(key >> 3) does not exist") }
        switch key & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try fixed(8)))
        case 2:
            let length = try varint()
            guard length <= UInt64(end - place) else {
                throw wrong(start, "field \(number) has \(length) bytes, but \(end - place) are left")
            }
            defer { place += Int(length) }
            return (number, .bytes(place..<place + Int(length)))
        case 5: return (number, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
        case let type: throw wrong(start, "field \(number) has wire type \(type)")
        }
    }

    /// The error that a field has another wire type than it should.
    func mismatch(_ field: String) -> TokenizerError { wrong(place, "\(field) has the wrong wire type") }

    private func wrong(_ offset: Int, _ reason: String) -> TokenizerError {
        .badProtobuf(message: name, offset: offset, reason: reason)
    }

    private mutating func varint() throws(TokenizerError) -> UInt64 {
        let start = place
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard place < end else { throw wrong(start, "a number is cut off") }
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw wrong(start, "a number has more than ten bytes")
    }

    private mutating func fixed(_ count: Int) throws(TokenizerError) -> UInt64 {
        guard count <= end - place else { throw wrong(place, "a number is cut off") }
        defer { place += count }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
    }
}
