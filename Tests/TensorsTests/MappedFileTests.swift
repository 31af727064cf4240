import Tensors
import TestSupport
import Testing

/// Files as memory.
@Suite struct MappedFileTests {
    @Test func theBytesAreTheFiles() throws {
        let path = "\(TestFiles.packageRoot)/Tests/TensorsTests/MappedFileTests.swift"
        let file = try MappedFile(path: path)
        let bytes = unsafe Array(file.bytes)
        #expect(bytes == TestFiles.bytes(of: path))
        #expect(file.path == path)
    }

    @Test(arguments: [("/nonexistent/file", "No such file"), ("/dev", "is not a regular file")])
    func whatCannotBeMappedIsAnErrorThatNamesIt(path: String, words: String) throws {
        let error = try #require(throws: MappedFileError.self) { try MappedFile(path: path) }
        #expect(error.description.contains(path))
        #expect(error.description.contains(words))
    }
}
