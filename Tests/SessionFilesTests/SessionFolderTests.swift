import Foundation
import TestSupport
import Testing

@testable import SessionFiles

@Suite struct SessionFolderTests {
    private let most = 1 << 24

    @Test func whatWasSavedComesBack() throws {
        var random = SeededRandom(seed: 1)
        let temporary = try TemporaryFolder()
        let folder = try SessionFolder(temporary.path)
        for round in 0..<30 {
            let session = SampleSession.random(&random, hasCache: round % 5 != 0)
            let size = try folder.save(session, as: "a.b-\(round)_c")
            let path = "\(temporary.path)/a.b-\(round)_c"
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int == size)
            let read = try folder.session(
                named: "a.b-\(round)_c", fingerprint: SampleSession.fingerprint, mostBytes: most)
            #expect(SampleSession.difference(session, read) == nil)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path).count == 30)
    }

    @Test(arguments: ["", ".", "..", ".hidden", "a/b", "../a", "/etc/passwd", "a\\b", "a b", "ä", "a\n", "a\u{0}b"])
    func namesCannotLeadOut(name: String) throws {
        var random = SeededRandom(seed: 2)
        let temporary = try TemporaryFolder()
        let folder = try SessionFolder(temporary.path)
        let session = SampleSession.random(&random)
        #expect(throws: SessionFileError.badName(name)) { try folder.save(session, as: name) }
        #expect(throws: SessionFileError.badName(name)) {
            try folder.session(named: name, fingerprint: SampleSession.fingerprint, mostBytes: most)
        }
        #expect(!SessionFolder.isName(String(repeating: "a", count: 129)))
    }

    @Test func linksAndFoldersAreNotRead() throws {
        var random = SeededRandom(seed: 3)
        let temporary = try TemporaryFolder()
        let folder = try SessionFolder(temporary.path)
        _ = try folder.save(SampleSession.random(&random), as: "real")
        try FileManager.default.createSymbolicLink(
            atPath: "\(temporary.path)/link", withDestinationPath: "\(temporary.path)/real")
        try FileManager.default.createDirectory(
            atPath: "\(temporary.path)/folder", withIntermediateDirectories: false)
        for name in ["link", "folder", "none"] {
            let error = #expect(throws: SessionFileError.self) {
                try folder.session(named: name, fingerprint: SampleSession.fingerprint, mostBytes: most)
            }
            if name == "none" { #expect(error == .notFound(name: "none")) }
        }
        // A link in the place of a file is replaced, not followed.
        _ = try folder.save(SampleSession.random(&random), as: "link")
        let real = try folder.session(named: "real", fingerprint: SampleSession.fingerprint, mostBytes: most)
        let link = try folder.session(named: "link", fingerprint: SampleSession.fingerprint, mostBytes: most)
        #expect(SampleSession.difference(real, link) != nil)
    }

    @Test func anotherModelsFileIsTold() throws {
        var random = SeededRandom(seed: 4)
        let temporary = try TemporaryFolder()
        let folder = try SessionFolder(temporary.path)
        _ = try folder.save(SampleSession.random(&random), as: "a")
        #expect(throws: SessionFileError.otherModel(name: "a")) {
            try folder.session(named: "a", fingerprint: [1, 2], mostBytes: most)
        }
        #expect(throws: SessionFileError.self) {
            try folder.session(named: "a", fingerprint: SampleSession.fingerprint, mostBytes: 100)
        }
    }

    @Test func everyCutAndEveryChangedByteIsFound() throws {
        var random = SeededRandom(seed: 5)
        let temporary = try TemporaryFolder()
        let folder = try SessionFolder(temporary.path)
        _ = try folder.save(SampleSession.random(&random), as: "a")
        let url = URL(filePath: "\(temporary.path)/a")
        let bytes = [UInt8](try Data(contentsOf: url))
        func isRefused(_ bytes: [UInt8]) throws -> Bool {
            try Data(bytes).write(to: url)
            do throws(SessionFileError) {
                _ = try folder.session(named: "a", fingerprint: SampleSession.fingerprint, mostBytes: most)
                return false
            } catch {
                return true
            }
        }
        var missed: [String] = []
        for length in stride(from: 0, to: bytes.count, by: 7) where try !isRefused(Array(bytes.prefix(length))) {
            missed.append("cut at \(length)")
        }
        if try !isRefused(bytes + [0]) { missed.append("a byte more") }
        for index in stride(from: 0, to: bytes.count, by: bytes.count < 2000 ? 1 : 5) {
            var changed = bytes
            changed[index] ^= 1 << UInt8(index % 8)
            if try !isRefused(changed) { missed.append("byte \(index)") }
        }
        #expect(missed == [])
    }

    /// What a process that was killed left behind goes when the next one starts, and nothing else does.
    @Test func unfinishedFilesAreRemovedAtStart() throws {
        var random = SeededRandom(seed: 6)
        let temporary = try TemporaryFolder()
        _ = try SessionFolder(temporary.path).save(SampleSession.random(&random), as: "a")
        try Data([1]).write(to: URL(filePath: "\(temporary.path)/.partial-0-a"))
        _ = try SessionFolder(temporary.path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path) == ["a"])
        #expect(throws: SessionFileError.self) { try SessionFolder(temporary.path + "/none") }
    }

    @Test func aFolderThatIsGoneOrAFullDiskIsAnErrorAndKeepsTheOldFile() throws {
        var random = SeededRandom(seed: 7)
        let temporary = try TemporaryFolder()
        let folder = try SessionFolder(temporary.path)
        let session = SampleSession.random(&random)
        _ = try folder.save(session, as: "a")
        try FileManager.default.moveItem(atPath: temporary.path, toPath: temporary.path + "-moved")
        #expect(throws: SessionFileError.self) { try folder.save(session, as: "a") }
        try FileManager.default.moveItem(atPath: temporary.path + "-moved", toPath: temporary.path)
        let read = try folder.session(named: "a", fingerprint: SampleSession.fingerprint, mostBytes: most)
        #expect(SampleSession.difference(session, read) == nil)
    }
}
