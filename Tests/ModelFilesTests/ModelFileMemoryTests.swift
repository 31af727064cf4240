import Foundation
import ModelFiles
import TestSupport
import Testing

/// A file's length bounds what opening it allocates. Each test runs in a process of its own, where nothing else
/// allocates: the peak of its resident memory shows what was touched, and a limit on its address space ends the
/// process where memory is asked for that nobody touches.
@Suite struct ModelFileMemoryTests {
    @Test func hostileFilesOfAKibibyteAllocateLittle() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            try openQuietly(SampleFiles.gguf().bytes(), in: folder, extension: "gguf")
            try openQuietly(SampleFiles.safetensors().bytes(), in: folder, extension: "safetensors")
            let growth = try peakGrowth(limit: 16 << 20) {
                for file in HostileFiles.gguf() { try openQuietly(file, in: folder, extension: "gguf") }
                for file in HostileFiles.safetensors() { try openQuietly(file, in: folder, extension: "safetensors") }
            }
            try require(growth < 16 << 20, "opening hostile files took \(growth) bytes")
        }
    }

    @Test func manyTinyEntriesCostAFewTimesTheirLength() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let file = HostileFiles.manyEntries(50_000)
            let path = try folder.write(file, to: "many.gguf")
            // Measured: 7 times the length, 21 times under the address sanitizer.
            let limit = 32 * file.count
            let growth = try peakGrowth(limit: limit) {
                let count = try GGUFFile(path: path).metadata.count
                try require(count == 50_001, "\(count) keys")
            }
            try require(growth < limit, "\(growth) bytes for a file of \(file.count)")
        }
    }

    @Test func theMeasureSeesTouchedMemory() async {
        await #expect(processExitsWith: .success) {
            let growth = try peakGrowth(limit: 256 << 20) {
                let touched = [UInt8](repeating: 1, count: 32 << 20)
                try require(touched.last == 1, "not filled")
            }
            try require(growth >= 32 << 20, "filling 32 MiB shows as \(growth) bytes")
        }
    }

    @Test func theLimitSeesUntouchedMemory() async {
        await #expect(processExitsWith: .failure) {
            _ = try peakGrowth(limit: 16 << 20) {
                var reserved: [UInt8] = []
                reserved.reserveCapacity(256 << 20)
                try require(reserved.isEmpty, "not empty")
            }
        }
    }
}

/// A failed requirement, which ends the child process.
private struct Unmet: Error {
    let message: String
}

private func require(_ isMet: Bool, _ message: String) throws {
    if !isMet { throw Unmet(message: message) }
}

/// Opens and reads a file that may be refused.
private func openQuietly(_ bytes: [UInt8], in folder: TemporaryFolder, extension suffix: String) throws {
    let path = try folder.write(bytes, to: "hostile.\(suffix)")
    do throws(ModelFileError) {
        try readEverything(path)
    } catch {
        _ = error.description
    }
}

/// By how many bytes the peak of resident memory grows while `body` runs with `limit` more bytes of address space.
private func peakGrowth(limit: Int, _ body: () throws -> Void) throws -> Int {
    // Sets the peak back to what is resident now; where that is not permitted the peak so far counts.
    try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
    let before = try statusBytes("VmHWM:")
    var original = rlimit()
    let space = __rlimit_resource_t(RLIMIT_AS.rawValue)
    guard unsafe getrlimit(space, &original) == 0 else { throw Unmet(message: "no limit") }
    var lowered = original
    lowered.rlim_cur = rlim_t(try statusBytes("VmSize:") + limit)
    guard unsafe setrlimit(space, &lowered) == 0 else { throw Unmet(message: "no limit") }
    defer { unsafe setrlimit(space, &original) }
    try body()
    return try statusBytes("VmHWM:") - before
}

/// A size that the kernel reports about this process, in bytes.
private func statusBytes(_ field: String) throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix(field) }
    let words = line?.split { $0 == " " || $0 == "\t" } ?? []
    guard words.count > 1, let kibibytes = Int(words[1]) else { throw Unmet(message: "no \(field) in the status") }
    return kibibytes << 10
}
