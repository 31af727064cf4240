/// An immutable weight: dtype, shape (outermost dimension first, rows contiguous) and bytes that an owner keeps alive.
@safe public struct Tensor: @unchecked Sendable {
    // Sendable: the bytes are never written after init and the owner (a mapped file or a filled buffer) is immutable.
    public let dtype: DType
    public let shape: [Int]
    public let bytes: UnsafeRawBufferPointer
    private let owner: AnyObject

    /// `bytes` holds exactly the shape's elements and stays valid while `owner` lives.
    @unsafe public init(dtype: DType, shape: [Int], bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        let elements = shape.reduce(1, *)
        precondition(
            dtype.byteCount(elements: elements) == bytes.count, "\(bytes.count) bytes for \(shape) of \(dtype)")
        self.dtype = dtype
        self.shape = shape
        unsafe self.bytes = bytes
        self.owner = owner
    }

    /// A tensor that owns f32 values.
    public init(shape: [Int], values: [Float]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values for \(shape)")
        let buffer = AlignedBuffer<Float>(count: values.count)
        for (index, value) in values.enumerated() { buffer[index] = value }
        unsafe self.init(
            dtype: .f32, shape: shape, bytes: UnsafeRawBufferPointer(start: buffer.base, count: values.count * 4),
            owner: buffer)
    }

    /// A tensor that owns a copy of the bytes, one copy after the other until it is full.
    public init(dtype: DType, shape: [Int], repeating bytes: [UInt8]) {
        guard let byteCount = dtype.byteCount(elements: shape.reduce(1, *)), byteCount == 0 || !bytes.isEmpty else {
            preconditionFailure("\(shape) of \(dtype) from \(bytes.count) bytes")
        }
        let buffer = unsafe AlignedBuffer<UInt8>(uninitializedCount: byteCount)
        let target = unsafe UnsafeMutableRawBufferPointer(start: buffer.base, count: byteCount)
        for start in stride(from: 0, to: byteCount, by: max(1, bytes.count)) {
            let end = min(byteCount, start + bytes.count)
            unsafe target[start..<end].copyBytes(from: bytes[..<(end - start)])
        }
        unsafe self.init(dtype: dtype, shape: shape, bytes: UnsafeRawBufferPointer(target), owner: buffer)
    }

    /// Tells the operating system that the bytes, where they are those of a mapped file, need no memory for now. They
    /// are read from the file again when used.
    public func releasePages() {
        guard let file = owner as? MappedFile else { return }
        unsafe file.releasePages(of: bytes)
    }

    /// Lends the bytes for reading.
    public func withBytes<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
        try unsafe body(RawSpan(_unsafeBytes: bytes))
    }

    /// At most about so many bytes, evenly spread over the tensor.
    public func sampledBytes(_ most: Int) -> [UInt8] {
        unsafe stride(from: 0, to: bytes.count, by: max(1, bytes.count / max(1, most))).map { unsafe bytes[$0] }
    }

    public var elementCount: Int { shape.reduce(1, *) }

    /// Rows of a matrix (its outermost dimension).
    public var rows: Int { shape.first ?? 1 }

    /// Elements per row.
    public var columns: Int { shape.isEmpty ? 1 : elementCount / max(1, shape[0]) }

    /// One of the outermost dimension's elements, as a view of the same memory.
    public func element(_ index: Int) -> Tensor {
        precondition(shape.count > 1 && index >= 0 && index < shape[0], "element \(index) of \(shape)")
        let size = unsafe bytes.count / shape[0]
        let slice = unsafe UnsafeRawBufferPointer(rebasing: bytes[index * size..<(index + 1) * size])
        return unsafe Tensor(dtype: dtype, shape: Array(shape.dropFirst()), bytes: slice, owner: owner)
    }

    /// A matrix of its own that holds these rows, in this order. Columns fill whole blocks.
    public func gathering(rows: [Int]) -> Tensor {
        guard shape.count == 2, let rowBytes = dtype.byteCount(elements: columns) else {
            preconditionFailure("rows of \(shape) do not fill blocks of \(dtype)")
        }
        let buffer = unsafe AlignedBuffer<UInt8>(uninitializedCount: rows.count * rowBytes)
        for (target, row) in rows.enumerated() {
            precondition(row >= 0 && row < self.rows, "row \(row) of \(shape)")
            let source = unsafe UnsafeRawBufferPointer(rebasing: bytes[row * rowBytes..<(row + 1) * rowBytes])
            unsafe UnsafeMutableRawBufferPointer(start: buffer.base + target * rowBytes, count: rowBytes)
                .copyMemory(from: source)
        }
        return unsafe Tensor(
            dtype: dtype, shape: [rows.count, columns],
            bytes: UnsafeRawBufferPointer(start: buffer.base, count: rows.count * rowBytes), owner: buffer)
    }

    /// The matrix's rows in `range` as a view of the same memory. Columns fill whole blocks.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(shape)")
        guard let rowBytes = dtype.byteCount(elements: columns) else {
            preconditionFailure("rows of \(columns) elements do not fill blocks of \(dtype)")
        }
        let slice = unsafe UnsafeRawBufferPointer(
            rebasing: bytes[range.lowerBound * rowBytes..<range.upperBound * rowBytes])
        return unsafe Tensor(dtype: dtype, shape: [range.count] + shape.dropFirst(), bytes: slice, owner: owner)
    }
}
