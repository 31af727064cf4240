internal import Foundation

/// The model that ships with the program, so that it serves something without any download.
///
/// SwiftPM copies the file into `keyhold_ServerApp.resources` beside the executable; an installed program may have it
/// in `../share/keyhold`. The generated `Bundle.module` is not used: it ends the process when the folder is missing.
enum BuiltInModel {
    static let name = "recall3M"
    static let fileName = "recall3M-Q8_0.gguf"

    /// Folders that may hold the file, relative to the executable's, best first.
    static let folders = ["keyhold_ServerApp.resources", "../share/keyhold"]

    /// The file's path, or nil where it was not installed.
    static func path(executableFolder: String? = ProcessEnvironment.executableFolder()) -> String? {
        guard let executableFolder else { return nil }
        return folders.map { "\(executableFolder)/\($0)/\(fileName)" }.first {
            FileManager.default.isReadableFile(atPath: $0)
        }
    }
}
