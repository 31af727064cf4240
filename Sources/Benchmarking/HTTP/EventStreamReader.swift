/// Cuts server-sent events (HTML standard, section 9.2) out of a body: the text of their `data` lines.
struct EventStreamReader {
    private var line: [UInt8] = []

    /// The `data` lines that `bytes` complete. Comments and other fields are left out.
    mutating func append(_ bytes: [UInt8]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            line += rest[..<end]
            rest = rest[(end + 1)...]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.starts(with: "data:".utf8) {
                let data = line.dropFirst(5)
                found.append(Array(data.first == UInt8(ascii: " ") ? data.dropFirst() : data))
            }
            line.removeAll(keepingCapacity: true)
        }
        line += rest
        return found
    }
}
