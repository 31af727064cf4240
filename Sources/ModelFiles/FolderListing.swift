// Foundation's file manager is the one way to list a folder without pointers; no other file of this module needs it.
internal import FoundationEssentials

/// The names of the files in a folder, read once.
struct FolderListing {
    let path: String
    /// Sorted, so that errors do not depend on the file system's order.
    let names: [String]

    init(path: String) throws(ModelFileError) {
        self.path = path
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        } catch {
            throw .unreadable(file: path, reason: "the folder cannot be listed: \(error)")
        }
    }

    func contains(_ name: String) -> Bool { names.contains(name) }

    /// The path of a file in the folder.
    func path(of name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }

    /// The folder that holds the file at `path`, and the file's name in it.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        let name = String(path[path.utf8.index(after: slash)...])
        return (slash == path.startIndex ? "/" : String(path[..<slash]), name)
    }

    /// Whether `path` is a folder, or nil where there is nothing.
    static func isFolder(_ path: String) -> Bool? {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) ? isFolder : nil
    }
}
