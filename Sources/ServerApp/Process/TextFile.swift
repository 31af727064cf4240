internal import Foundation

/// Why a text file could not be read.
struct TextFileError: Error {
    let reason: String
}

/// Small text files, read whole.
enum TextFile {
    /// The file's text. A missing file, one larger than `limit` bytes and one that is not UTF-8 are errors.
    static func read(_ path: String, limit: Int) throws(TextFileError) -> String {
        guard FileManager.default.fileExists(atPath: path) else { throw TextFileError(reason: "does not exist") }
        guard let file = FileHandle(forReadingAtPath: path) else { throw TextFileError(reason: "cannot be opened") }
        let data: Data
        do {
            // Nil is the end of the file: it is empty.
            data = try file.read(upToCount: limit + 1) ?? Data()
        } catch {
            throw TextFileError(reason: "cannot be read; a plain file is expected")
        }
        guard data.count <= limit else { throw TextFileError(reason: "is larger than \(limit) bytes") }
        guard let text = String(validating: data, as: UTF8.self) else { throw TextFileError(reason: "is not UTF-8") }
        return text
    }
}
