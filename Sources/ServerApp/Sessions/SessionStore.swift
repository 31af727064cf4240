internal import Decoding
internal import Serving
internal import SessionFiles

/// The folder of saved sessions, for one model's.
struct SessionStore: Sendable {
    private let folder: SessionFolder
    private let fingerprint: [UInt8]
    private let mostBytes: Int

    /// Throws where the folder is not there or cannot be used. A cache of more than `mostBytes` is not read.
    init(path: String, model: LoadedModel, mostBytes: Int) throws {
        folder = try SessionFolder(path)
        // Tokens and facts beside the cache.
        self.mostBytes = mostBytes + (64 << 20)
        fingerprint = SessionFolder.fingerprint { add in
            add(Array(model.weightTypes.joined(separator: " ").utf8))
            model.decoder.identify(to: add)
        }
    }

    /// Returns the file's size.
    func save(_ session: SavedSession, as name: String) throws(SessionFileError) -> Int {
        var session = session
        session.fingerprint = fingerprint
        return try folder.save(session, as: name)
    }

    func session(named name: String) throws(SessionFileError) -> SavedSession {
        try folder.session(named: name, fingerprint: fingerprint, mostBytes: mostBytes)
    }
}
