import ModelFiles
import TestSupport
import Testing

/// Files changed at random places must open or be refused; a crash ends the process and names the seed by its log.
@Suite struct ModelFileFuzzTests {
    @Test(arguments: ["gguf", "safetensors"]) func mutatedFilesNeverCrash(format: String) throws {
        let folder = try TemporaryFolder()
        let originals =
            format == "gguf"
            ? [SampleFiles.gguf().bytes()] + HostileFiles.gguf()
            : [SampleFiles.safetensors().bytes()] + HostileFiles.safetensors()
        let budget = FuzzBudget()
        var seed: UInt64 = 0
        var opened = 0
        while budget.isLeft {
            var random = SeededRandom(seed: seed)
            let original = originals[Bool.random(using: &random) ? 0 : Int(random.next() % UInt64(originals.count))]
            let path = try folder.write(Mutation.mutated(original, with: &random), to: "mutated.\(format)")
            do throws(ModelFileError) {
                try readEverything(path)
                opened += 1
            } catch {
                let text = error.description
                if !text.hasPrefix(folder.path) || text.utf8.count > 4_096 {
                    Issue.record("seed \(seed): \(text.prefix(300))")
                    return
                }
            }
            seed += 1
        }
        budget.report("\(format): \(seed) files, \(opened) opened,")
        // Some changes hit names or values only: such files open.
        #expect(opened > 0 && opened < seed, "\(opened) of \(seed) files opened")
    }
}

/// Random changes of a file.
private enum Mutation {
    /// Bytes that are limits of some field.
    private static let edges: [UInt8] = [0, 1, 7, 8, 9, 0x20, 0x2C, 0x5B, 0x7B, 0x7F, 0x80, 0xFF]

    /// One to four changes: bits, edge bytes, whole lengths, cuts, copies.
    static func mutated(_ original: [UInt8], with random: inout SeededRandom) -> [UInt8] {
        var bytes = original
        for _ in 0...Int(random.next() % 4) where !bytes.isEmpty {
            let place = Int(random.next() % UInt64(bytes.count))
            switch random.next() % 6 {
            case 0: bytes[place] ^= 1 << UInt8(random.next() % 8)
            case 1: bytes[place] = edges[Int(random.next() % UInt64(edges.count))]
            case 2:
                let value = random.next() >> (random.next() % 64)
                for index in 0..<min(8, bytes.count - place) {
                    bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
                }
            case 3: bytes.removeLast(Int(random.next() % UInt64(bytes.count - place)) + 1)
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + Int(random.next() % 16)))
            default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 32)], at: place)
            }
        }
        return bytes
    }
}
