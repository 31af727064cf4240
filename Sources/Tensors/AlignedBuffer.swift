/// Owned memory of `count` elements aligned to 64 bytes; in huge pages where it is large. Confined to its owner;
/// indices are the caller's to keep.
@safe public final class AlignedBuffer<Element: BitwiseCopyable> {
    public let count: Int
    /// The whole buffer; valid while the owner lives.
    public let base: UnsafeMutablePointer<Element>
    /// Whether `base` is a `LargeBlock`.
    private let isLarge: Bool

    /// `count` zeros.
    public convenience init(count: Int) {
        unsafe self.init(uninitializedCount: count)
        guard !isLarge else { return }
        unsafe UnsafeMutableRawPointer(base).initializeMemory(
            as: UInt8.self, repeating: 0, count: Self.allocatedBytes(count))
    }

    /// Memory that the caller fills before anybody reads it.
    @unsafe public init(uninitializedCount count: Int) {
        precondition(count >= 0, "negative element count \(count)")
        self.count = count
        let byteCount = Self.allocatedBytes(count)
        let large = unsafe byteCount >= LargeBlock.leastBytes ? LargeBlock.allocate(byteCount: byteCount) : nil
        isLarge = unsafe large != nil
        let raw = unsafe large ?? UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        unsafe base = raw.assumingMemoryBound(to: Element.self)
    }

    private static func allocatedBytes(_ count: Int) -> Int { max(64, count * MemoryLayout<Element>.stride) }

    deinit {
        if isLarge {
            unsafe LargeBlock.release(base, byteCount: Self.allocatedBytes(count))
        } else {
            unsafe base.deallocate()
        }
    }

    public var byteCount: Int { count * MemoryLayout<Element>.stride }

    /// Copy of a range, for tests and reports.
    public func elements(_ range: Range<Int>) -> [Element] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range \(range) outside 0..<\(count)")
        return unsafe Array(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
    }

    /// Lends all bytes for reading.
    public func withBytes<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
        let bytes = unsafe UnsafeRawBufferPointer(start: base, count: byteCount)
        return try unsafe body(RawSpan(_unsafeBytes: bytes))
    }

    public subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "index \(index) outside 0..<\(count)")
            return unsafe base[index]
        }
        set {
            precondition(index >= 0 && index < count, "index \(index) outside 0..<\(count)")
            unsafe base[index] = newValue
        }
    }
}
