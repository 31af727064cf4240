internal import Glibc

/// Why a file could not be written.
public struct OutputFileError: Error, Equatable, Sendable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public var description: String { "\(path) cannot be written: \(reason)" }
}

/// A file that appears under its name only when it is whole: it is written beside it under another name, which
/// `commit` changes. Without `commit`, nothing stays. Confined to its owner.
@safe public final class OutputFile {
    public let path: String
    /// Bytes written so far.
    public private(set) var byteCount = 0
    /// Where the bytes are until `commit`.
    public let temporaryPath: String
    private let descriptor: Int32
    private var isCommitted = false

    /// Begins a file that will take the place of what is at `path`. `inputs` are the files that it is made of: they may
    /// stand elsewhere under other names, and are refused.
    public init(path: String, inputs: [String] = []) throws(OutputFileError) {
        self.path = path
        temporaryPath = "\(path).partial-\(getpid())"
        var status = stat()
        if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw OutputFileError(path: path, reason: "it exists and is not a regular file")
        }
        for input in inputs {
            var other = stat()
            if unsafe stat(path, &status) == 0, unsafe stat(input, &other) == 0, status.st_ino == other.st_ino,
                status.st_dev == other.st_dev
            {
                throw OutputFileError(path: path, reason: "it is \(input), which is read; name another file to write")
            }
        }
        descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(path) }
    }

    deinit {
        close(descriptor)
        if !isCommitted { unsafe unlink(temporaryPath) }
    }

    /// Adds bytes at the end.
    public func append(_ bytes: RawSpan) throws(OutputFileError) {
        let failed: Bool = unsafe bytes.withUnsafeBytes { buffer in
            var rest = unsafe buffer[...]
            while unsafe !rest.isEmpty {
                let written = unsafe write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return true }
                unsafe rest = rest.dropFirst(written)
            }
            return false
        }
        if failed { throw Self.failure(path) }
        byteCount += bytes.byteCount
    }

    /// Adds bytes at the end.
    public func append(_ bytes: [UInt8]) throws(OutputFileError) { try unsafe append(bytes.span.bytes) }

    /// Gives the file its name, once its bytes are on the disk.
    public func commit() throws(OutputFileError) {
        precondition(!isCommitted, "\(path) is committed")
        guard fsync(descriptor) == 0, unsafe rename(temporaryPath, path) == 0 else { throw Self.failure(path) }
        isCommitted = true
    }

    private static func failure(_ path: String) -> OutputFileError {
        unsafe OutputFileError(path: path, reason: String(cString: strerror(errno)))
    }
}

@available(*, unavailable) extension OutputFile: Sendable {}
