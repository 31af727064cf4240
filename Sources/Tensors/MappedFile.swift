internal import Glibc

/// Why a file could not be mapped.
public struct MappedFileError: Error, CustomStringConvertible {
    public let path: String
    public let reason: String

    public var description: String { "\(path): \(reason)" }
}

/// A file mapped read-only for as long as the object lives.
@safe public final class MappedFile: @unchecked Sendable {
    // Sendable: the mapping is read-only and constant for the object's life.
    public let path: String
    public let bytes: UnsafeRawBufferPointer

    public init(path: String) throws(MappedFileError) {
        // A FIFO without a writer would block here; it is refused as no regular file below.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw unsafe MappedFileError(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw unsafe MappedFileError(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw MappedFileError(path: path, reason: "is not a regular file")
        }
        let size = Int(status.st_size)
        self.path = path
        guard size > 0 else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), unsafe start != MAP_FAILED
        else {
            throw unsafe MappedFileError(path: path, reason: "cannot be mapped: \(String(cString: strerror(errno)))")
        }
        unsafe bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    /// Gives back the memory of all pages; those that are read again come from the file again.
    public func releasePages() { unsafe releasePages(of: bytes) }

    /// Gives back the memory of the pages that lie wholly inside `range`, a part of `bytes`.
    func releasePages(of range: UnsafeRawBufferPointer) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        guard let base = range.baseAddress, page > 0 else { return }
        let start = (Int(bitPattern: base) + page - 1) / page * page
        let end = (Int(bitPattern: base) + range.count) / page * page
        guard start < end else { return }
        unsafe madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, MADV_DONTNEED)
    }

    deinit {
        if let start = unsafe bytes.baseAddress { unsafe munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}
