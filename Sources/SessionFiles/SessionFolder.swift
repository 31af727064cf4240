internal import KVCaching
internal import Synchronization

/// The folder of saved sessions. A file appears under its name when it is whole and on the disk; one that had the name
/// before stays until then. Names cannot lead out of the folder, and links are not followed.
///
/// A file is the text `KHSESSN` and a zero byte, the version and the header's length as 32-bit integers, the header
/// (`SessionHeader`), the cache's bytes, and the SHA-256 of all that. Integers have their least significant byte first.
public struct SessionFolder: Sendable {
    static let magic = Array("KHSESSN\0".utf8)
    static let version: UInt32 = 1
    /// Names of files that are being written.
    private static let partialPrefix = ".partial-"

    public let path: String
    private static let nextPartial = Atomic<UInt64>(0)

    /// Throws `unwritable` where there is no such folder. What an earlier process left unfinished is removed.
    public init(_ path: String) throws(SessionFileError) {
        self.path = path
        do {
            let folder = try FolderCalls(path)
            for name in folder.names(prefix: Self.partialPrefix) { folder.remove(name) }
        } catch {
            throw .unwritable(name: path, reason: error.reason)
        }
    }

    /// Throws `unwritable` where there is no such folder; changes nothing in it.
    public static func check(_ path: String) throws(SessionFileError) {
        do { _ = try FolderCalls(path) } catch { throw .unwritable(name: path, reason: error.reason) }
    }

    /// Whether files may have the name: 1 to 128 letters, digits and `._-`, not beginning with a dot.
    public static func isName(_ name: String) -> Bool {
        let allowed = name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || [45, 46, 95].contains(byte)
        }
        return allowed && (1...128).contains(name.utf8.count) && !name.hasPrefix(".")
    }

    // MARK: Writing

    /// Writes the session; it is on the disk under its name when this returns. Returns the file's size.
    public func save(_ session: SavedSession, as name: String) throws(SessionFileError) -> Int {
        guard Self.isName(name) else { throw .badName(name) }
        let number = Self.nextPartial.wrappingAdd(1, ordering: .relaxed).oldValue
        let partial = "\(Self.partialPrefix)\(number)-\(name)".prefix(200)
        do throws(FolderCalls.Failure) {
            let folder = try FolderCalls(path)
            do throws(FolderCalls.Failure) {
                let bytes = try write(session, to: try folder.create(String(partial)))
                try folder.rename(String(partial), to: name)
                return bytes
            } catch {
                folder.remove(String(partial))
                throw error
            }
        } catch {
            throw .unwritable(name: name, reason: error.reason)
        }
    }

    private func write(_ session: SavedSession, to file: FolderCalls.File) throws(FolderCalls.Failure) -> Int {
        let header = SessionHeader(session).encoded
        var start = ByteWriter()
        start.add(Self.magic)
        start.integer(Self.version)
        start.integer(UInt32(header.count))
        start.add(header)
        guard var digest = SHA256() else { throw FolderCalls.Failure() }
        digest.add(start.bytes)
        try file.write(start.bytes)
        if let image = session.image {
            image.withBytes { digest.add($0) }
            let failure = image.withBytes { bytes -> FolderCalls.Failure? in
                do throws(FolderCalls.Failure) {
                    try file.write(bytes)
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw failure }
        }
        try file.write(digest.finish())
        try file.synchronize()
        return start.bytes.count + (session.image?.byteCount ?? 0) + SHA256.byteCount
    }

    // MARK: Reading

    /// Reads a whole file of at most `mostBytes`, of a model with this fingerprint. What the bytes mean to a cache is
    /// checked by `CacheImage.fault`.
    public func session(
        named name: String, fingerprint: [UInt8], mostBytes: Int
    ) throws(SessionFileError) -> SavedSession {
        guard Self.isName(name) else { throw .badName(name) }
        let file: FolderCalls.File
        let size: Int?
        do {
            file = try FolderCalls(path).open(name)
            size = try file.size()
        } catch {
            throw error.isMissing ? .notFound(name: name) : .unreadable(name: name, reason: error.reason)
        }
        guard let size else { throw .unreadable(name: name, reason: "it is not a regular file") }
        guard size <= mostBytes else { throw .tooLarge(name: name, bytes: size, limit: mostBytes) }
        do {
            var source = try SessionSource(file, size: size)
            return try source.session(fingerprint: fingerprint, name: name)
        } catch let error as SessionFileError {
            throw error
        } catch let error as FolderCalls.Failure {
            throw .unreadable(name: name, reason: error.reason)
        } catch let error as ByteReader.Fault {
            throw .damaged(name: name, reason: error.reason)
        } catch {
            throw .unreadable(name: name, reason: "\(error)")
        }
    }
}

/// A session file while it is read, with the digest of what came so far.
private struct SessionSource: ~Copyable {
    private let file: FolderCalls.File
    private let size: Int
    private var digest: SHA256

    init(_ file: FolderCalls.File, size: Int) throws {
        guard let digest = SHA256() else { throw ByteReader.Fault(reason: "no checksums can be computed here") }
        self.file = file
        self.size = size
        self.digest = digest
    }

    mutating func session(fingerprint: [UInt8], name: String) throws -> SavedSession {
        let fixed = SessionFolder.magic.count + 8
        guard size >= fixed + SHA256.byteCount else { throw ByteReader.Fault(reason: "it has \(size) bytes") }
        var start = ByteReader(try next(fixed))
        guard try start.take(SessionFolder.magic.count).elementsEqual(SessionFolder.magic) else {
            throw ByteReader.Fault(reason: "it does not begin as one")
        }
        let version = try start.integer(UInt32.self)
        guard version == SessionFolder.version else {
            throw ByteReader.Fault(reason: "it has version \(version), this server reads \(SessionFolder.version)")
        }
        let length = Int(try start.integer(UInt32.self))
        guard length <= size - fixed - SHA256.byteCount else { throw ByteReader.Fault(reason: "its header is cut off") }
        let header = try SessionHeader(try next(length))
        // A foreign file is told apart from a damaged one, and nothing of its cache is read.
        guard header.session.fingerprint == fingerprint else { throw SessionFileError.otherModel(name: name) }
        let expected = fixed + length + (header.image?.byteCount ?? 0) + SHA256.byteCount
        guard size == expected else { throw ByteReader.Fault(reason: "it has \(size) bytes instead of \(expected)") }
        var session = header.session
        if let facts = header.image { session.image = try image(facts) }
        let computed = digest.finish()
        guard try file.read(upTo: SHA256.byteCount) == computed else {
            throw ByteReader.Fault(reason: "its checksum is wrong")
        }
        return session
    }

    private mutating func next(_ count: Int) throws -> [UInt8] {
        let bytes = try file.read(upTo: count)
        guard bytes.count == count else { throw ByteReader.Fault(reason: "it was cut while it was read") }
        digest.add(bytes)
        return bytes
    }

    private mutating func image(_ facts: SessionHeader.Image) throws -> CacheImage {
        try CacheImage(
            fedTokens: facts.fedTokens, slots: facts.slots, counts: facts.counts, layout: facts.layout,
            positions: facts.positions, byteCount: facts.byteCount
        ) { try next($0) }
    }
}
