internal import Tensors

/// Decodes GGUF metadata values at a cursor. Arrays are walked to their end, so that a file that opens is sound, but
/// not kept.
struct GGUFValueReader {
    /// Arrays may hold arrays down to this depth.
    static let maxDepth = 8

    var cursor: ByteCursor

    /// The type tag of a value.
    mutating func type(_ field: @autoclosure () -> String) throws(ModelFileError) -> GGUFValueType {
        let start = cursor.offset
        let raw = try cursor.integer(UInt32.self, field())
        guard let type = GGUFValueType(rawValue: raw) else {
            throw cursor.damaged(field(), at: start, .unknownValueType(raw))
        }
        return type
    }

    /// The value of the given type at the cursor.
    mutating func value(
        of type: GGUFValueType, _ field: @autoclosure () -> String, depth: Int
    ) throws(ModelFileError) -> GGUFValue {
        switch type {
        case .uint8: .uint(UInt64(try cursor.integer(UInt8.self, field())))
        case .uint16: .uint(UInt64(try cursor.integer(UInt16.self, field())))
        case .uint32: .uint(UInt64(try cursor.integer(UInt32.self, field())))
        case .uint64: .uint(try cursor.integer(UInt64.self, field()))
        case .int8: .int(Int64(try cursor.integer(Int8.self, field())))
        case .int16: .int(Int64(try cursor.integer(Int16.self, field())))
        case .int32: .int(Int64(try cursor.integer(Int32.self, field())))
        case .int64: .int(try cursor.integer(Int64.self, field()))
        case .float32: .float(Double(Float(bitPattern: try cursor.integer(UInt32.self, field()))))
        case .float64: .float(Double(bitPattern: try cursor.integer(UInt64.self, field())))
        case .bool: .bool(try bool(field()))
        case .string: .string(GGUFString(bytes: cursor.file.copy(try cursor.stringRange(field()))))
        case .array: .array(try array(field(), depth: depth))
        }
    }

    /// Passes over a value, checking what `value` would check, without copying it.
    private mutating func check(
        _ type: GGUFValueType, _ field: @autoclosure () -> String, depth: Int
    ) throws(ModelFileError) {
        switch type {
        case .string: _ = try cursor.stringRange(field())
        case .array: _ = try array(field(), depth: depth)
        case .bool: _ = try bool(field())
        default: _ = try cursor.skip(UInt64(type.minimumBytes), field())
        }
    }

    private mutating func bool(_ field: @autoclosure () -> String) throws(ModelFileError) -> Bool {
        let start = cursor.offset
        let byte = try cursor.integer(UInt8.self, field())
        guard byte <= 1 else { throw cursor.damaged(field(), at: start, .notABool(byte)) }
        return byte == 1
    }

    private mutating func array(_ field: @autoclosure () -> String, depth: Int) throws(ModelFileError) -> GGUFArray {
        guard depth < Self.maxDepth else {
            throw cursor.damaged(field(), at: cursor.offset, .nestedTooDeep(limit: Self.maxDepth))
        }
        let elementType = try type("element type of \(field())")
        let count = try cursor.count(minimumBytes: elementType.minimumBytes, "length of \(field())")
        let start = cursor.offset
        if let width = elementType.fixedBytes, elementType != .bool {
            _ = try cursor.skip(UInt64(count * width), field())
        } else {
            for index in 0..<count { try check(elementType, "\(field())[\(index)]", depth: depth + 1) }
        }
        return GGUFArray(elementType: elementType, count: count, file: cursor.file, range: start..<cursor.offset)
    }
}
