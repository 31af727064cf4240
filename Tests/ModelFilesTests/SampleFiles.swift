import ModelFiles
import TestSupport
import Tensors

/// Small files with one of everything, the ground for the tests of damage.
enum SampleFiles {
    /// Every metadata type, nested arrays and a tensor of every supported type.
    static func gguf() -> GGUFWriter {
        var random = SeededRandom(seed: 1)
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("llama"))
        writer.add("a.uint8", .uint8(200))
        writer.add("a.int8", .int8(-3))
        writer.add("a.uint16", .uint16(60_000))
        writer.add("a.int16", .int16(-30_000))
        writer.add("a.uint32", .uint32(4_000_000_000))
        writer.add("a.int32", .int32(-2_000_000_000))
        writer.add("a.uint64", .uint64(.max))
        writer.add("a.int64", .int64(.min))
        writer.add("a.float32", .float32(1.5))
        writer.add("a.float64", .float64(-2.25))
        writer.add("a.true", .bool(true))
        writer.add("a.false", .bool(false))
        writer.add("a.bytes", .bytes([0xE2, 0x96, 0x00, 0xFF]))
        writer.add("tokens", .array(of: .string(""), [.string("<s>"), .bytes([0xC3]), .string("")]))
        writer.add("scores", .float32s([0, -1, 2.5]))
        writer.add("types", .int32s([3, 1, -1]))
        writer.add("flags", .array(of: .bool(false), [.bool(true), .bool(false)]))
        writer.add("empty", .strings([]))
        writer.add("nested", .array(of: .int32s([]), [.int32s([1, 2]), .int32s([]), .strings(["x"])]))
        for (index, type) in DType.allCases.enumerated() {
            let columns = max(32, type.blockElements)
            writer.add("weight.\(index)", shape: [3, columns], type: type, values: random.values(3 * columns))
        }
        writer.add("norm", shape: [5], type: .f32, values: random.values(5))
        writer.add("scalar", shape: [], type: .f32, values: [7])
        writer.add("cube", shape: [2, 3, 4], type: .f16, values: random.values(24))
        return writer
    }

    static func safetensors(seed: UInt64 = 2, prefix: String = "") -> SafetensorsWriter {
        var random = SeededRandom(seed: seed)
        var writer = SafetensorsWriter()
        writer.metadata = [("format", "pt")]
        writer.add(prefix + "model.embed.weight", shape: [4, 6], values: random.values(24))
        writer.add(prefix + "model.norm.weight", shape: [3], type: .bf16, values: random.values(3))
        writer.add(prefix + "model.head.weight", shape: [2, 5], type: .f16, values: random.values(10))
        writer.add(prefix + "model.scalar", shape: [], values: [4])
        writer.add(prefix + "model.steps", shape: [1], typeName: "I64", bytes: [1, 0, 0, 0, 0, 0, 0, 0])
        writer.add(prefix + "model.none", shape: [0, 3], values: [])
        return writer
    }

    /// The configuration of a model folder.
    static let config = "{\"model_type\": \"llama\", \"hidden_size\": 64}"
}

/// Opens the file in either format and reads all that it offers. What the file says may be anything; the reading must
/// end in values or in an error.
func readEverything(_ path: String) throws(ModelFileError) {
    if path.hasSuffix(".gguf") {
        let file = try GGUFFile(path: path)
        for key in file.metadata.keys {
            if case .array(let array)? = file.metadata[key] { try readAll(array) }
        }
        readTensors(file.tensors)
    } else {
        readTensors(try SafetensorsFile(path: path).tensors)
    }
}

private func readAll(_ array: GGUFArray) throws(ModelFileError) {
    for value in try array.values() {
        if case .array(let nested) = value { try readAll(nested) }
    }
}

private func readTensors(_ directory: TensorDirectory) {
    for info in directory.infos {
        guard let tensor = directory[info.name] else { continue }
        precondition(tensor.copiedBytes.count == info.range.count && tensor.elementCount == info.elementCount)
    }
}
