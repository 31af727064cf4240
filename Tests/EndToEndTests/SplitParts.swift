import TestSupport

/// A GGUF file taken apart as `gguf-split --no-tensor-first-split` does it: metadata alone in the first part, the
/// tensors in the others.
enum SplitParts {
    private struct Tensor {
        let name: String
        let shape: [Int]
        let type: UInt32
        let bytes: [UInt8]
    }

    /// Bytes of each part. `whole` is a good file of version 3 with the usual alignment.
    static func of(_ whole: [UInt8], count: Int) -> [[UInt8]] {
        var cursor = Cursor(bytes: whole)
        let keyCount = cursor.keyCount
        let metadata = cursor.skipMetadata()
        let tensors = cursor.tensors()
        return (0..<count).map { part in
            var writer = GGUFWriter()
            writer.add("split.no", .uint16(UInt16(part)))
            writer.add("split.count", .uint16(UInt16(count)))
            writer.add("split.tensors.count", .int32(Int32(tensors.count)))
            if part == 0 {
                let own = writer.bytes().prefix(writer.headerByteCount).dropFirst(Cursor.headerBytes)
                return header(keys: keyCount + 3) + metadata + own
            }
            let range = tensors.count * (part - 1) / (count - 1)..<tensors.count * part / (count - 1)
            for tensor in tensors[range] {
                writer.add(tensor.name, shape: tensor.shape, typeNumber: tensor.type, bytes: tensor.bytes)
            }
            return writer.bytes()
        }
    }

    /// The start of a file without tensors.
    private static func header(keys: Int) -> [UInt8] {
        Array("GGUF".utf8) + [3, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
            + (0..<8).map { UInt8(truncatingIfNeeded: keys >> (8 * $0)) }
    }

    /// Reads a file from its start.
    private struct Cursor {
        static let headerBytes = 24

        let bytes: [UInt8]
        private var place = Cursor.headerBytes

        init(bytes: [UInt8]) { self.bytes = bytes }

        var keyCount: Int { integer(at: 16, 8) }

        /// The bytes of all keys and values.
        mutating func skipMetadata() -> [UInt8] {
            for _ in 0..<keyCount {
                _ = text()
                skipValue(ofType: take(4))
            }
            return Array(bytes[Cursor.headerBytes..<place])
        }

        /// All tensors; their bytes end where those of the next begin.
        mutating func tensors() -> [Tensor] {
            let entries = (0..<integer(at: 8, 8)).map { _ in
                let name = text()
                let shape = (0..<take(4)).map { _ in take(8) }
                return (name: name, shape: Array(shape.reversed()), type: take(4), offset: take(8))
            }
            let data = (place + 31) / 32 * 32
            let ends = entries.dropFirst().map(\.offset) + [bytes.count - data]
            return zip(entries, ends).map { entry, end in
                Tensor(
                    name: entry.name, shape: entry.shape, type: UInt32(entry.type),
                    bytes: Array(bytes[(data + entry.offset)..<(data + end)]))
            }
        }

        private func integer(at place: Int, _ width: Int) -> Int {
            bytes[place..<place + width].reversed().reduce(0) { $0 << 8 | Int($1) }
        }

        private mutating func take(_ width: Int) -> Int {
            place += width
            return integer(at: place - width, width)
        }

        private mutating func text() -> String {
            let length = take(8)
            place += length
            return String(decoding: bytes[place - length..<place], as: UTF8.self)
        }

        private mutating func skipValue(ofType type: Int) {
            switch type {
            case 0, 1, 7: place += 1
            case 2, 3: place += 2
            case 8: _ = text()
            case 9:
                let element = take(4)
                for _ in 0..<take(8) { skipValue(ofType: element) }
            case 10...12: place += 8
            default: place += 4
            }
        }
    }
}
