import ModelFiles
import TestSupport

/// A suite of files that break one rule each.
protocol DamagedFileSuite {
    static var fileName: String { get }
    var folder: TemporaryFolder { get }

    /// Reads the file by the reader under test.
    static func open(path: String) throws(ModelFileError)
}

extension DamagedFileSuite {
    /// What the reader says to these bytes, nil where it takes them.
    func error(_ bytes: [UInt8]) throws -> ModelFileError? {
        let path = try folder.write(bytes, to: Self.fileName)
        do {
            try Self.open(path: path)
            return nil
        } catch {
            return error
        }
    }

    /// Field and fault of a damaged file whose name and offset make sense.
    func damage(_ bytes: [UInt8]) throws -> String {
        guard case .damaged(let file, let field, let offset, let fault)? = try error(bytes) else {
            return try error(bytes).map { "\($0)" } ?? "no error"
        }
        return file.hasSuffix(Self.fileName) && offset <= bytes.count ? "\(field): \(fault)" : "wrong place"
    }
}
