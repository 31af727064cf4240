import Glibc

/// An array whose end meets a page that cannot be touched, and whose start follows bytes with a known pattern. A kernel
/// that reads or writes past the end stops the test at once; one that writes before the start is found by `isIntact`.
@safe final class GuardedArray<Element: BitwiseCopyable> {
    let pointer: UnsafeMutablePointer<Element>
    let count: Int
    private let pages: UnsafeMutableRawPointer
    private let mappedBytes: Int

    private static var pageBytes: Int { 4096 }
    private static var pattern: UInt8 { 0xA5 }

    init(_ values: [Element]) {
        count = values.count
        let bytes = values.count * MemoryLayout<Element>.stride
        // At least 64 bytes of pattern before the elements.
        let dataBytes = (bytes + 64 + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
        mappedBytes = dataBytes + Self.pageBytes
        guard let mapped = unsafe mmap(nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            unsafe mapped != MAP_FAILED
        else { preconditionFailure("no memory for \(mappedBytes) bytes") }
        unsafe pages = mapped
        unsafe mprotect(mapped + dataBytes, Self.pageBytes, PROT_NONE)
        unsafe memset(mapped, Int32(Self.pattern), dataBytes)
        unsafe pointer = (mapped + (dataBytes - bytes)).bindMemory(to: Element.self, capacity: max(1, values.count))
        for (index, value) in values.enumerated() { unsafe pointer[index] = value }
    }

    convenience init(count: Int, of value: Element) { self.init(Array(repeating: value, count: count)) }

    deinit { unsafe munmap(pages, mappedBytes) }

    var values: [Element] { unsafe Array(UnsafeBufferPointer(start: pointer, count: count)) }

    /// Whether all bytes before the first element are as they were made.
    var isIntact: Bool {
        let bytes = unsafe UnsafeRawBufferPointer(
            start: pages, count: UnsafeRawPointer(pointer) - UnsafeRawPointer(pages))
        return unsafe bytes.allSatisfy { $0 == Self.pattern }
    }
}
