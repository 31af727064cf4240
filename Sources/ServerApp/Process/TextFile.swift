internal import Tensors

/// Why a text file could not be read.
struct TextFileError: Error {
    let reason: String
}

/// Small text files, read whole.
enum TextFile {
    /// The file's text. Not a regular file, larger than `limit` bytes or not UTF-8 is an error.
    static func read(_ path: String, limit: Int) throws(TextFileError) -> String {
        let file: MappedFile
        do {
            file = try MappedFile(path: path)
        } catch {
            throw TextFileError(reason: error.reason)
        }
        let bytes = unsafe Array(file.bytes.prefix(limit + 1))
        guard bytes.count <= limit else { throw TextFileError(reason: "is larger than \(limit) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw TextFileError(reason: "is not UTF-8 text") }
        return text
    }
}
