import TestSupport

/// Files of at most a kibibyte whose counts promise far more than the file holds.
enum HostileFiles {
    static func gguf() -> [[UInt8]] {
        let magic = Array("GGUF".utf8) + little(UInt32(3))
        let key = little(UInt64(1)) + Array("k".utf8)
        let filler = [UInt8](repeating: 1, count: 900)
        var files: [[UInt8]] = []
        for count: UInt64 in [40, 1 << 20, 1 << 40, 1 << 60, .max] {
            files.append(magic + little(count) + little(UInt64(0)) + filler)
            files.append(magic + little(UInt64(0)) + little(count) + filler)
            files.append(magic + little(UInt64(0)) + little(UInt64(1)) + little(count) + filler)
            let oneEntry = magic + little(UInt64(0)) + little(UInt64(1)) + key
            files.append(oneEntry + little(UInt32(8)) + little(count) + filler)
            for type in UInt32(0)...13 {
                files.append(oneEntry + little(UInt32(9)) + little(type) + little(count) + filler)
            }
            let tensor = magic + little(UInt64(1)) + little(UInt64(0)) + key + little(UInt32(2))
            for type: UInt32 in [0, 1, 2, 8, 14, 99] {
                files.append(tensor + little(count) + little(count) + little(type) + little(UInt64(0)) + filler)
                files.append(tensor + little(count) + little(UInt64(32)) + little(type) + little(count & ~31) + filler)
            }
        }
        let levels = (0..<80).flatMap { _ in little(UInt32(9)) + little(UInt64(1)) }
        files.append(magic + little(UInt64(0)) + little(UInt64(1)) + key + little(UInt32(9)) + levels)
        return files
    }

    static func safetensors() -> [[UInt8]] {
        let texts = [
            String(repeating: "[", count: 1_000), String(repeating: "{\"a\":", count: 200),
            "{" + (0..<200).map { "\"\($0)\"" }.joined(separator: ":0,") + ":0}",
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[1099511627776],\"data_offsets\":[0,4398046511104]}}",
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[\(String(repeating: "1,", count: 300))1],\"data_offsets\":[0,4]}}",
        ]
        var files = texts.map { SafetensorsWriter.bytes(header: $0, data: [0, 0, 0, 0]) }
        for length: UInt64 in [1_010, 1 << 20, 99_999_999, 1 << 40, .max] {
            files.append(little(length) + [UInt8](repeating: 0x7B, count: 1_000))
        }
        return files
    }

    /// Well-formed metadata of tiny entries: the most parts that a file of its length can have.
    static func manyEntries(_ count: Int) -> [UInt8] {
        var writer = GGUFWriter()
        for index in 0..<count { writer.add(String(index, radix: 36), .uint8(0)) }
        writer.add("tokens", .strings([String](repeating: "", count: count)))
        return writer.bytes()
    }

    private static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
