import ModelFiles
import Tensors
import TestSupport
import Testing

/// Files that break one rule each: the error names the file, the field, the place and the rule.
@Suite struct GGUFDamageTests: DamagedFileSuite {
    static let fileName = "bad.gguf"
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static func open(path: String) throws(ModelFileError) { _ = try GGUFFile(path: path) }

    private func damage(_ build: (inout GGUFWriter) -> Void) throws -> String {
        var writer = GGUFWriter()
        build(&writer)
        return try damage(writer.bytes())
    }

    @Test func everyCutOfTheHeaderIsAnError() throws {
        let bytes = SampleFiles.gguf().bytes()
        var failure: String?
        for length in 0..<bytes.count {
            switch try error(Array(bytes.prefix(length))) {
            case .damaged(_, _, let offset, _)? where offset <= length: break
            case let other: failure = failure ?? "cut to \(length) bytes: \(other.map { "\($0)" } ?? "no error")"
            }
        }
        if let failure { Issue.record("\(failure)") }
    }

    @Test func everyFlippedBitOfTheHeaderIsReadOrRefused() throws {
        let writer = SampleFiles.gguf()
        var bytes = writer.bytes()
        var refused = 0
        for index in 0..<writer.headerByteCount {
            for mask in [UInt8(1), 0x20, 0x80, 0xFF] {
                bytes[index] ^= mask
                do {
                    try readEverything(try folder.write(bytes, to: "flipped.gguf"))
                } catch is ModelFileError {
                    refused += 1
                }
                bytes[index] ^= mask
            }
        }
        // Characters of names and numbers may change unnoticed; lengths, types, counts and places may not.
        #expect(refused > writer.headerByteCount)
    }

    @Test func otherFilesAndVersionsAreToldApart() throws {
        let path = folder.path + "/bad.gguf"
        #expect(
            try error(Array("GGML".utf8) + [1, 0, 0, 0])
                == .notAModel(path: path, found: "the file does not begin with \"GGUF\""))
        #expect(try damage([]) == "magic: needs 4 bytes, but the file has 0 left")
        var writer = SampleFiles.gguf()
        for version: UInt32 in [0, 1, 4, 0x1_0003] {
            writer.version = version
            #expect(try error(writer.bytes()) == .unsupportedVersion(file: path, version: version))
        }
        writer.version = 0x0300_0000
        #expect(try error(writer.bytes()) == .bigEndian(file: path))
    }

    /// A header with the given counts and body.
    private func file(tensors: UInt64 = 0, entries: UInt64 = 0, body: [[UInt8]] = []) -> [UInt8] {
        Array("GGUF".utf8) + little(UInt32(3)) + little(tensors) + little(entries) + body.flatMap { $0 }
    }

    private func little(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    @Test func countsBeyondTheFileAreRefused() throws {
        let key = little(UInt64(1)) + Array("k".utf8)
        #expect(
            try damage(file(entries: 1 << 60))
                == "metadata count: says 1152921504606846976 entries, but the rest of the file holds 0 at most")
        #expect(
            try damage(file(tensors: .max))
                == "tensor count: says 18446744073709551615 entries, but the rest of the file holds 0 at most")
        #expect(
            try damage(file(entries: 1, body: [little(UInt64(1) << 50), [0, 0, 0, 0, 0]]))
                == "metadata key 0: needs 1125899906842624 bytes, but the file has 5 left")
        let array = key + little(UInt32(9)) + little(UInt32(4)) + little(UInt64(1) << 40)
        #expect(
            try damage(file(entries: 1, body: [array]))
                == "length of metadata key \"k\": says 1099511627776 entries, but the rest of the file holds 0 at most")
        let string = key + little(UInt32(8)) + little(UInt64.max)
        #expect(
            try damage(file(entries: 1, body: [string]))
                == "metadata key \"k\": needs 18446744073709551615 bytes, but the file has 0 left")
    }

    @Test func badMetadataIsRefused() throws {
        let twice = try damage { writer in
            writer.add("k", .uint8(1))
            writer.add("k", .uint8(2))
        }
        #expect(twice == "metadata key 1: the name \"k\" is used twice; names must differ")
        let key = little(UInt64(1)) + Array("k".utf8)
        let pad = [UInt8](repeating: 0, count: 16)
        #expect(
            try damage(file(entries: 1, body: [key, little(UInt32(13)), pad]))
                == "type of metadata key \"k\": unknown value type 13; types 0 to 12 are allowed")
        #expect(
            try damage(file(entries: 1, body: [key, little(UInt32(7)), [2]]))
                == "metadata key \"k\": the boolean has the value 2; 0 and 1 are allowed")
        #expect(
            try damage(file(entries: 1, body: [little(UInt64(2)), [0xC3, 0x28], little(UInt32(0)), pad]))
                == "metadata key 0: is not valid UTF-8")
        let long = try damage { $0.add(String(repeating: "k", count: 65_536), .uint8(1)) }
        #expect(long == "metadata key 0: is 65536 bytes long; 65535 are allowed")
        let flags = try damage { $0.add("k", .array(of: .bool(true), [.bool(true), .uint8(9)])) }
        #expect(flags == "metadata key \"k\"[1]: the boolean has the value 9; 0 and 1 are allowed")
    }

    @Test func arraysNestToALimit() throws {
        func nested(_ depth: Int) -> GGUFWriter.Value {
            depth == 1 ? .int32s([1]) : .array(of: .int32s([]), [nested(depth - 1)])
        }
        #expect(try damage { $0.add("k", nested(8)) } == "no error")
        #expect(
            try damage { $0.add("k", nested(9)) }.hasSuffix(": arrays are nested deeper than 8 levels"))
        #expect(try damage { $0.add("k", nested(2_000)) }.hasSuffix(": arrays are nested deeper than 8 levels"))
    }

    @Test(arguments: [GGUFWriter.Value.uint32(0), .uint32(4), .uint32(33), .uint64(32), .string("32")])
    func alignmentIsAPowerOfTwoFromEight(value: GGUFWriter.Value) throws {
        var writer = GGUFWriter()
        writer.add("general.alignment", value)
        guard case .wrongValue(_, "general.alignment", _, _, let wanted)? = try error(writer.bytes()) else {
            Issue.record("alignment \(value) gave \(String(describing: try error(writer.bytes())))")
            return
        }
        #expect(wanted == "a uint32 that is a power of two and at least 8")
    }

    private static let block = [UInt8](repeating: 0, count: 128)

    private func tensorDamage(
        shape: [Int], type: UInt32 = 0, bytes: [UInt8] = block, offset: UInt64? = nil
    ) throws -> String {
        try damage { $0.add("w", shape: shape, typeNumber: type, bytes: bytes, offset: offset) }
    }

    @Test func badTensorsAreRefused() throws {
        #expect(try tensorDamage(shape: [32]) == "no error")
        #expect(
            try tensorDamage(shape: [2, 0])
                == "tensor \"w\": shape [2, 0] has a dimension of 0; each must be at least 1")
        #expect(try tensorDamage(shape: [1, 1, 1, 1, 32]) == "tensor \"w\": has 5 dimensions; 4 are allowed")
        let huge = 1 << 31
        #expect(
            try tensorDamage(shape: [huge, huge, huge])
                == "tensor \"w\": shape [\(huge), \(huge), \(huge)] is larger than any file can be")
        #expect(
            try tensorDamage(shape: [-1])
                == "tensor \"w\": shape [18446744073709551615] is larger than any file can be")
        #expect(
            try tensorDamage(shape: [1 << 61, 1])
                == "tensor \"w\": shape [\(1 << 61), 1] is larger than any file can be")
        #expect(
            try tensorDamage(shape: [2, 48], type: 8)
                == "tensor \"w\": rows of 48 elements do not fill the blocks of 32 that Q8_0 needs")
        #expect(
            try tensorDamage(shape: [33])
                == "tensor \"w\": 132 bytes at data offset 0 do not lie inside the file's 128 bytes of data")
        #expect(
            try tensorDamage(shape: [1], offset: 1 << 62)
                == "tensor \"w\": 4 bytes at data offset \(1 << 62) do not lie inside the file's 128 bytes of data")
        #expect(
            try tensorDamage(shape: [1], type: 4_000, offset: 160)
                == "tensor \"w\": 0 bytes at data offset 160 do not lie inside the file's 128 bytes of data")
        #expect(
            try tensorDamage(shape: [1], offset: 4)
                == "tensor \"w\": data offset 4 is not a multiple of the alignment 32")
    }

    @Test func tensorsDoNotShareNamesOrBytes() throws {
        let twice = try damage { writer in
            writer.add("w", shape: [1], type: .f32, values: [1])
            writer.add("w", shape: [1], type: .f32, values: [2])
        }
        #expect(twice == "tensor \"w\": the name \"w\" is used twice; names must differ")
        let overlap = try damage { writer in
            writer.add("a", shape: [32], typeNumber: 0, bytes: Self.block, offset: 32)
            writer.add("b", shape: [9], typeNumber: 0, bytes: Self.block, offset: 0)
        }
        #expect(overlap == "tensor \"a\": its data overlaps that of tensor \"b\"")
    }

    @Test func longAndWildNamesStayReadableInMessages() throws {
        let name = "\u{1B}[31m\n" + String(repeating: "x", count: 5_000)
        let message = try damage { $0.add(name, shape: [1], typeNumber: 0, bytes: [], offset: 1) }
        #expect(message.utf8.count < 300)
        #expect(!message.contains("\u{1B}") && !message.contains("\n"))
    }
}
