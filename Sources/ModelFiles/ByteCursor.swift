internal import Tensors

/// Reads a mapped file from front to back within `end`. Each read is checked against the bytes left before anything
/// is touched or allocated, and its error names the field and the offset where the field starts. Integers are
/// little-endian.
struct ByteCursor {
    let file: MappedFile
    /// Where the next read starts, in bytes from the file's start.
    private(set) var offset: Int
    /// One past the last byte that may be read.
    let end: Int

    init(file: MappedFile, range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= file.byteCount, "bytes \(range) of \(file.byteCount)")
        self.file = file
        offset = range.lowerBound
        end = range.upperBound
    }

    /// A cursor over the whole file.
    init(file: MappedFile) {
        self.init(file: file, range: 0..<file.byteCount)
    }

    /// Bytes between the cursor and the end.
    var remaining: Int { end - offset }

    /// An error about the field that starts at `offset`.
    func damaged(_ field: String, at offset: Int, _ fault: FormatFault) -> ModelFileError {
        .damaged(file: file.path, field: field, offset: offset, fault: fault)
    }

    /// Passes over `count` bytes and returns where they lie.
    mutating func skip(_ count: UInt64, _ field: @autoclosure () -> String) throws(ModelFileError) -> Range<Int> {
        guard count <= UInt64(remaining) else {
            throw damaged(field(), at: offset, .truncated(needed: count, remaining: remaining))
        }
        let start = offset
        offset += Int(count)
        return start..<offset
    }

    /// The next integer of the given width.
    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, _ field: @autoclosure () -> String
    ) throws(ModelFileError) -> Value {
        let range = try skip(UInt64(MemoryLayout<Value>.size), field())
        return file.integer(type, at: range.lowerBound)
    }

    /// A count of things that take at least `minimumBytes` each: one that the bytes left cannot hold is refused.
    mutating func count(
        minimumBytes: Int, _ field: @autoclosure () -> String
    ) throws(ModelFileError) -> Int {
        let start = offset
        let count = try integer(UInt64.self, field())
        let allowed = remaining / minimumBytes
        guard count <= UInt64(allowed) else {
            throw damaged(field(), at: start, .tooMany(count: count, allowed: allowed))
        }
        return Int(count)
    }

    /// A string of GGUF, an eight-byte length and that many bytes: returns where the bytes lie.
    mutating func stringRange(_ field: @autoclosure () -> String) throws(ModelFileError) -> Range<Int> {
        let length = try integer(UInt64.self, field())
        return try skip(length, field())
    }

    /// A name: a string of UTF-8 of at most `limit` bytes.
    mutating func name(limit: Int, _ field: @autoclosure () -> String) throws(ModelFileError) -> String {
        let start = offset
        let range = try stringRange(field())
        guard range.count <= limit else {
            throw damaged(field(), at: start, .tooLong(length: UInt64(range.count), limit: limit))
        }
        guard let name = file.text(range) else { throw damaged(field(), at: start, .notUTF8) }
        return name
    }
}
