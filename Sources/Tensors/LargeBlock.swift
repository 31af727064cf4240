internal import Glibc

/// Memory of many pages, taken from the system by itself: zeros that cost nothing until they are written, in huge
/// pages where the system has them, so that streaming through it misses no translation. At 4 KiB a page, reading keys
/// and values misses one for every 32 to 64 entries, and the processor's prefetcher stops at each border.
enum LargeBlock {
    /// Blocks below this size come from the allocator: huge pages are 2 MiB.
    static let leastBytes = 2 << 20
    private static let hugePage = 2 << 20

    /// `byteCount` zeros at the start of a huge page, or nil where the system refuses. The memory is given back by
    /// `release` with the same count.
    @unsafe static func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
        let reserved = byteCount + hugePage
        let mapped = unsafe mmap(nil, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start = unsafe mapped, unsafe start != MAP_FAILED else { return nil }
        let offset = (hugePage - Int(bitPattern: start) % hugePage) % hugePage
        let base = unsafe start + offset
        let end = unsafe base + wholePages(byteCount)
        if offset > 0 { unsafe munmap(start, offset) }
        let rest = unsafe start + reserved - end
        if rest > 0 { unsafe munmap(end, rest) }
        // Advice only: without it the pages are small.
        unsafe madvise(base, byteCount, MADV_HUGEPAGE)
        return unsafe base
    }

    @unsafe static func release(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe munmap(base, wholePages(byteCount))
    }

    private static func wholePages(_ byteCount: Int) -> Int {
        let page = Int(getpagesize())
        return (byteCount + page - 1) / page * page
    }
}
