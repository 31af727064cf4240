import Foundation
import TestSupport
import Testing

@testable import SessionFiles

/// Damaged files with right checksums: the reader answers with a session or an error, and takes no more memory than the
/// file is long.
@Suite struct SessionFileFuzzTests {
    @Test func noBytesBreakTheReader() throws {
        let budget = FuzzBudget()
        var random = SeededRandom(seed: UInt64(budget.seconds))
        let temporary = try TemporaryFolder()
        let folder = try SessionFolder(temporary.path)
        let url = URL(filePath: "\(temporary.path)/a")
        var outcomes: [Bool: Int] = [:]
        while budget.isLeft {
            _ = try folder.save(SampleSession.random(&random, hasCache: Bool.random(using: &random)), as: "a")
            let original = [UInt8](try Data(contentsOf: url)).dropLast(SHA256.byteCount)
            for _ in 0..<20 {
                var bytes = Array(original)
                Self.damage(&bytes, &random)
                guard var digest = SHA256() else { return }
                digest.add(bytes)
                bytes += digest.finish()
                try Data(bytes).write(to: url)
                do throws(SessionFileError) {
                    let read = try folder.session(
                        named: "a", fingerprint: SampleSession.fingerprint, mostBytes: 1 << 20)
                    outcomes[true, default: 0] += 1
                    _ = SampleSession.bytes(read)
                } catch {
                    outcomes[false, default: 0] += 1
                    if error.description.isEmpty { Issue.record("an error without words") }
                }
            }
        }
        budget.report("session files: \(outcomes[true, default: 0]) read, \(outcomes[false, default: 0]) refused,")
        // Both happen, or nothing was tried.
        #expect(outcomes[true, default: 0] > 0 && outcomes[false, default: 0] > 0, "\(outcomes)")
    }

    private static func damage(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !bytes.isEmpty else { return }
            let header = min(bytes.count, 400)
            let place = Int.random(in: 0..<(Bool.random(using: &random) ? header : bytes.count), using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            case 4: bytes.removeLast(min(bytes.count, Int.random(in: 1...64, using: &random)))
            default:
                // A whole number turned large.
                for index in place..<min(place + 8, bytes.count) { bytes[index] = 0xFF }
            }
        }
    }
}
