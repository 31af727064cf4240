import ModelFiles
import TestSupport
import Testing

/// Files that break one rule each: the error names the file, the field, the place and the rule.
@Suite struct SafetensorsDamageTests: DamagedFileSuite {
    static let fileName = "bad.safetensors"
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static func open(path: String) throws(ModelFileError) { _ = try SafetensorsFile(path: path) }

    private func damage(_ header: String, data: Int = 8) throws -> String {
        try damage(SafetensorsWriter.bytes(header: header, data: [UInt8](repeating: 0, count: data)))
    }

    private func tensor(_ shape: String, _ offsets: String) -> String { tensor("w", "F32", shape, offsets) }

    private func tensor(_ name: String, _ dtype: String, _ shape: String, _ offsets: String) -> String {
        "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    @Test func everyCutIsAnError() throws {
        let bytes = SampleFiles.safetensors().bytes()
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
        let writer = SampleFiles.safetensors()
        var bytes = writer.bytes()
        var refused = 0
        for index in 0..<(8 + writer.header.utf8.count) {
            for mask in [UInt8(1), 2, 0x10, 0x20, 0x80, 0xFF] {
                bytes[index] ^= mask
                do {
                    try readEverything(try folder.write(bytes, to: "flipped.safetensors"))
                } catch is ModelFileError {
                    refused += 1
                }
                bytes[index] ^= mask
            }
        }
        #expect(refused > 2 * writer.header.utf8.count)
    }

    @Test func headerLengthIsCheckedAgainstFileAndLimit() throws {
        func length(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        #expect(try damage([]) == "header length: needs 8 bytes, but the file has 0 left")
        #expect(try damage(length(3) + Array("{}".utf8)) == "header: needs 3 bytes, but the file has 2 left")
        #expect(
            try damage(length(100_000_000) + Array("{}".utf8))
                == "header: needs 100000000 bytes, but the file has 2 left")
        #expect(
            try damage(length(.max)) == "header length: is 18446744073709551615 bytes long; 100000000 are allowed")
    }

    @Test func headerIsOneObjectOfObjects() throws {
        #expect(try damage("").hasPrefix("header: is not valid JSON: "))
        #expect(try damage("{]").hasPrefix("header: is not valid JSON: "))
        #expect(try damage("{\"a\":1,\"a\":2}").contains("twice"))
        #expect(try damage(String(repeating: "[", count: 5_000)).hasPrefix("header: is not valid JSON: "))
        #expect(try damage("[]") == "header: found an array, expected an object")
        #expect(try damage("{\"w\":1}") == "tensor \"w\": found an integer, expected an object")
        #expect(
            try damage("{\"__metadata__\":{\"a\":1}}")
                == "header entry __metadata__: found an integer, expected a string")
        #expect(try damage("{}") == "data: bytes 0 to 8 of the data belong to no tensor; tensors must fill the data")
    }

    @Test func badTensorsAreRefused() throws {
        #expect(try damage("{\(tensor("[2]", "[0,8]"))}") == "no error")
        #expect(try damage("{\"w\":{}}") == "tensor \"w\": found nothing, expected a string as dtype")
        #expect(try damage("{\(tensor("2", "[0,8]"))}") == "tensor \"w\": found an integer, expected an array as shape")
        #expect(
            try damage("{\(tensor("[-2]", "[0,8]"))}")
                == "tensor \"w\": found -2, expected non-negative integers in shape")
        #expect(
            try damage("{\(tensor("[2.0]", "[0,8]"))}")
                == "tensor \"w\": found a real number, expected non-negative integers in shape")
        for offsets in ["[8,0]", "[0]", "[0,4,8]", "[]"] {
            let found = try damage("{\(tensor("[2]", offsets))}")
            #expect(found.hasSuffix("expected a start and an end not before it as data_offsets"))
        }
        #expect(
            try damage("{\(tensor("[3]", "[0,12]"))}")
                == "tensor \"w\": 12 bytes at data offset 0 do not lie inside the file's 8 bytes of data")
        #expect(
            try damage("{\(tensor("[3]", "[0,8]"))}")
                == "tensor \"w\": shape [3] of F32 is 12 bytes, but data_offsets span 8")
        #expect(
            try damage("{\(tensor("[4611686018427387904,4]", "[0,8]"))}")
                == "tensor \"w\": shape [4611686018427387904, 4] is larger than any file can be")
        #expect(
            try damage("{\(tensor("[0,4611686018427387904,4]", "[0,0]"))}")
                == "tensor \"w\": shape [0, 4611686018427387904, 4] is larger than any file can be")
        #expect(
            try damage("{\(tensor("w", "I64", "[2305843009213693952]", "[0,8]"))}")
                == "tensor \"w\": shape [2305843009213693952] is larger than any file can be")
    }

    @Test func tensorsFillTheDataWithoutGapOrOverlap() throws {
        let first = tensor("a", "F32", "[1]", "[0,4]")
        #expect(
            try damage("{\(first),\(tensor("b", "F32", "[1]", "[2,6]"))}")
                == "tensor \"b\": its data overlaps that of tensor \"a\"")
        #expect(
            try damage("{\(tensor("b", "F16", "[1]", "[6,8]")),\(first)}")
                == "tensor \"b\": bytes 4 to 6 of the data belong to no tensor; tensors must fill the data")
        #expect(
            try damage("{\(first)}")
                == "data: bytes 4 to 8 of the data belong to no tensor; tensors must fill the data")
    }
}
