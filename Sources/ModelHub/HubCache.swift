internal import Foundation

/// One repository's part of the cache: `blobs/DIGEST`, and `snapshots/COMMIT/PATH` as links to them.
///
/// A blob has its final name only when it is complete and checked, and a snapshot is complete when the file
/// `REFERENCE.complete` says so, which is written last.
struct HubCache: Sendable {
    /// Folder of the repository.
    let folder: String

    init(_ settings: HubSettings, _ reference: HubReference) {
        folder = "\(settings.cache)/models--\(reference.owner)--\(reference.name)"
    }

    func snapshot(_ commit: String) -> String { "\(folder)/snapshots/\(commit)" }
    func blob(_ file: HubFile) -> String { "\(folder)/blobs/\(file.digest.text)" }
    func unfinished(_ file: HubFile) -> String { "\(blob(file)).keyhold-part" }

    func hasBlob(_ file: HubFile) -> Bool { Self.size(blob(file)) == file.byteCount }

    /// Makes the folders; throws `cache`.
    func prepare() throws(HubError) { try Self.makeFolder("\(folder)/blobs") }

    /// Links `file` into the snapshot.
    func link(_ file: HubFile, commit: String) throws(HubError) {
        let path = "\(snapshot(commit))/\(file.path)"
        try Self.makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
        let depth = file.path.split(separator: "/").count + 1
        let target = String(repeating: "../", count: depth) + "blobs/\(file.digest.text)"
        let files = FileManager.default
        if (try? files.destinationOfSymbolicLink(atPath: path)) == target { return }
        do {
            try? files.removeItem(atPath: path)
            try files.createSymbolicLink(atPath: path, withDestinationPath: target)
        } catch {
            throw .cache(path: path, reason: "it cannot be linked: \(error.localizedDescription)")
        }
    }

    // MARK: What was fetched before

    /// The commit that a reference led to, and the path to open, of the last complete fetch.
    func remembered(_ reference: HubReference) -> String? {
        guard let text = try? String(contentsOfFile: memory(reference), encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n").map(String.init)
        guard let path = lines.first, lines.allSatisfy({ FileManager.default.isReadableFile(atPath: $0) }) else {
            return nil
        }
        return path
    }

    /// Remembers `path`, and that `files` belong to it.
    func remember(_ path: String, files: [HubFile], commit: String, for reference: HubReference) throws(HubError) {
        let lines = [path] + files.map { "\(snapshot(commit))/\($0.path)" }
        try write(lines.joined(separator: "\n") + "\n", to: memory(reference))
        try Self.makeFolder("\(folder)/refs")
        try write(commit, to: "\(folder)/refs/\(reference.revision.replacing("/", with: "--"))")
    }

    private func memory(_ reference: HubReference) -> String {
        let name = [reference.revision, reference.file ?? ""].joined(separator: "@").replacing("/", with: "--")
        return "\(folder)/keyhold-\(name).complete"
    }

    private func write(_ text: String, to path: String) throws(HubError) {
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw .cache(path: path, reason: "it cannot be written: \(error.localizedDescription)")
        }
    }

    // MARK: The file system

    /// Size of a file, or nil where there is none.
    static func size(_ path: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
    }

    private static func makeFolder(_ path: String) throws(HubError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .cache(path: path, reason: "the folder cannot be made: \(error.localizedDescription)")
        }
    }
}
