internal import JSON
internal import Tensors

/// The checked reads that the parsers need: the one file of this module that touches the mapping's pointer.
extension MappedFile {
    /// Maps the regular file at `path`.
    static func opened(_ path: String) throws(ModelFileError) -> MappedFile {
        do {
            return try MappedFile(path: path)
        } catch {
            throw .unreadable(file: error.path, reason: error.reason)
        }
    }

    /// Bytes of the file.
    var byteCount: Int { unsafe bytes.count }

    /// The little-endian integer at `offset`, aligned or not.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value {
        let width = MemoryLayout<Value>.size
        precondition(offset >= 0 && offset <= byteCount - width, "\(width) bytes at \(offset) of \(byteCount)")
        return unsafe Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    /// A copy of the bytes in `range`.
    func copy(_ range: Range<Int>) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "bytes \(range) of \(byteCount)")
        return unsafe Array(bytes[range])
    }

    /// The text in `range`, or nil where it is not UTF-8.
    func text(_ range: Range<Int>) -> String? {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "bytes \(range) of \(byteCount)")
        return unsafe String(validating: bytes[range], as: UTF8.self)
    }

    /// The JSON value written in `range`.
    func json(in range: Range<Int>, limits: JSONLimits) throws(JSONError) -> JSONValue {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "bytes \(range) of \(byteCount)")
        return try unsafe JSONValue(parsing: RawSpan(_unsafeBytes: bytes[range]), limits: limits)
    }

    /// A tensor over the bytes in `range`, which are exactly those of `shape`. The mapping is shared; only bytes that
    /// are not aligned for their element type, which safetensors permits, are copied.
    func tensor(dtype: DType, shape: [Int], range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "bytes \(range) of \(byteCount)")
        let slice = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
        // Mappings start at a page, so the offset tells the alignment. Blocks begin with a two-byte scale.
        guard range.lowerBound % (dtype == .f32 ? 4 : 2) != 0, !range.isEmpty else {
            return unsafe Tensor(dtype: dtype, shape: shape, bytes: slice, owner: self)
        }
        let copy = AlignedBuffer<UInt8>(count: range.count)
        unsafe UnsafeMutableRawBufferPointer(start: copy.base, count: range.count).copyMemory(from: slice)
        let bytes = unsafe UnsafeRawBufferPointer(start: copy.base, count: range.count)
        return unsafe Tensor(dtype: dtype, shape: shape, bytes: bytes, owner: copy)
    }
}
