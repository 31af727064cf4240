import Glibc
import Tensors
import TestSupport
import Testing

/// Files appear whole or not at all.
@Suite struct OutputFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func aFileAppearsWithItsLastByte() throws {
        let path = try folder.write([9], to: "file")
        let file = try OutputFile(path: path)
        try file.append([1, 2])
        try file.append([])
        try file.append([3])
        #expect(file.byteCount == 3)
        #expect(TestFiles.bytes(of: path) == [9])
        try file.commit()
        #expect(TestFiles.bytes(of: path) == [1, 2, 3])
    }

    @Test func withoutCommitNothingStays() throws {
        do {
            let file = try OutputFile(path: "\(folder.path)/new")
            try file.append([1])
        }
        #expect(TestFiles.bytes(of: "\(folder.path)/new") == nil)
        #expect(try folder.names().isEmpty)
    }

    @Test func whatIsReadIsNotReplaced() throws {
        let path = try folder.write([9], to: "file")
        #expect(unsafe link(path, "\(folder.path)/other") == 0)
        for name in [path, "\(folder.path)/./file", "\(folder.path)/other"] {
            #expect {
                try OutputFile(path: name, inputs: ["/nonexistent", path])
            } throws: {
                "\($0)" == "\(name) cannot be written: it is \(path), which is read; name another file to write"
            }
        }
        _ = try OutputFile(path: "\(folder.path)/new", inputs: [path])
        #expect(TestFiles.bytes(of: path) == [9])
    }

    @Test(arguments: ["/nonexistent/file", "/dev/null", "/"]) func placesThatTakeNoFileAreNamed(path: String) {
        #expect {
            try OutputFile(path: path)
        } throws: { "\($0)".hasPrefix("\(path) cannot be written: ") }
    }
}
