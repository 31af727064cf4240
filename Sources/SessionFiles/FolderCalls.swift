internal import Glibc

/// System calls on files of one folder, by names without a slash. A name is never followed if it is a link.
@safe final class FolderCalls {
    /// Why a call failed.
    struct Failure: Error {
        let code: Int32

        init() { code = errno }

        var isMissing: Bool { code == ENOENT }
        var reason: String { unsafe String(cString: strerror(code)) }
    }

    private let folder: Int32

    init(_ path: String) throws(Failure) {
        folder = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Failure() }
    }

    deinit { close(folder) }

    /// A file open for reading or writing.
    @safe final class File {
        fileprivate let descriptor: Int32

        fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }

        /// Bytes of a regular file; nil for anything else.
        func size() throws(Failure) -> Int? {
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0 else { throw Failure() }
            return status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
        }

        func write(_ bytes: RawSpan) throws(Failure) {
            let failure = unsafe bytes.withUnsafeBytes { buffer -> Failure? in
                var rest = unsafe buffer[...]
                while unsafe !rest.isEmpty {
                    let piece = unsafe UnsafeRawBufferPointer(rebasing: rest)
                    let written = unsafe Glibc.write(descriptor, piece.baseAddress, min(piece.count, 64 << 20))
                    if written < 0, errno == EINTR { continue }
                    guard written > 0 else { return Failure() }
                    unsafe rest = rest.dropFirst(written)
                }
                return nil
            }
            if let failure { throw failure }
        }

        func write(_ bytes: [UInt8]) throws(Failure) { try unsafe write(bytes.span.bytes) }

        /// As many bytes as there are, up to `count`.
        func read(upTo count: Int) throws(Failure) -> [UInt8] {
            var failure: Failure?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                while filled < count {
                    let got = unsafe Glibc.read(
                        descriptor, buffer.baseAddress.map { unsafe $0 + filled }, count - filled)
                    if got < 0, errno == EINTR { continue }
                    if got < 0 { failure = Failure() }
                    guard got > 0 else { return }
                    filled += got
                }
            }
            if let failure { throw failure }
            return bytes
        }

        /// Everything written is on the disk when this returns.
        func synchronize() throws(Failure) {
            guard fsync(descriptor) == 0 else { throw Failure() }
        }
    }

    func create(_ name: String) throws(Failure) -> File {
        try file(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC)
    }

    func open(_ name: String) throws(Failure) -> File {
        // Not to be held up by a pipe.
        try file(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    }

    private func file(_ name: String, _ flags: Int32) throws(Failure) -> File {
        let descriptor = unsafe openat(folder, name, flags, 0o600)
        guard descriptor >= 0 else { throw Failure() }
        return File(descriptor)
    }

    /// Gives a file another name, durably, in the place of what had it.
    func rename(_ name: String, to target: String) throws(Failure) {
        guard unsafe renameat(folder, name, folder, target) == 0, fsync(folder) == 0 else { throw Failure() }
    }

    func remove(_ name: String) { _ = unsafe unlinkat(folder, name, 0) }

    /// Names that begin with `prefix`.
    func names(prefix: String) -> [String] {
        let copy = unsafe openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { return [] }
        guard let listing = unsafe fdopendir(copy) else {
            close(copy)
            return []
        }
        defer { unsafe closedir(listing) }
        var names: [String] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name.hasPrefix(prefix) { names.append(name) }
        }
        return names
    }
}
