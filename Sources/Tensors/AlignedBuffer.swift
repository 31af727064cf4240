internal import Glibc

/// Owned memory of `count` elements aligned to 64 bytes. Confined to its owner; indices are the caller's to
/// keep.
@safe public final class AlignedBuffer<Element: BitwiseCopyable> {
    public let count: Int
    /// The whole buffer; valid while the owner lives.
    public let base: UnsafeMutablePointer<Element>

    /// `count` zeros.
    public convenience init(count: Int) {
        unsafe self.init(uninitializedCount: count)
        unsafe UnsafeMutableRawPointer(base).initializeMemory(
            as: UInt8.self, repeating: 0, count: Self.allocatedBytes(count))
    }

    /// Memory that the caller fills before anybody reads it.
    @unsafe public init(uninitializedCount count: Int) {
        precondition(count >= 0, "negative element count \(count)")
        self.count = count
        let raw = UnsafeMutableRawPointer.allocate(byteCount: Self.allocatedBytes(count), alignment: 64)
        unsafe base = raw.assumingMemoryBound(to: Element.self)
    }

    /// The same in pages of 2 MiB as far as whole ones fit and the system has them: for memory that is read from end to
    /// end again and again, where looking up small pages takes a tenth of the time.
    @unsafe public init(largePagesCount count: Int) {
        precondition(count >= 0, "negative element count \(count)")
        self.count = count
        let byteCount = Self.allocatedBytes(count)
        let largePage = 2 << 20
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: byteCount, alignment: byteCount >= largePage ? largePage : 64)
        // A refusal leaves small pages.
        unsafe madvise(raw, byteCount / largePage * largePage, MADV_HUGEPAGE)
        unsafe base = raw.assumingMemoryBound(to: Element.self)
    }

    private static func allocatedBytes(_ count: Int) -> Int { max(64, count * MemoryLayout<Element>.stride) }

    deinit { unsafe base.deallocate() }

    public var byteCount: Int { count * MemoryLayout<Element>.stride }

    /// Copy of a range, for tests and reports.
    public func elements(_ range: Range<Int>) -> [Element] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range \(range) outside 0..<\(count)")
        return unsafe Array(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
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
