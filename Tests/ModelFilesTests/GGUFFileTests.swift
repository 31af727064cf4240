import ModelFiles
import Tensors
import TestSupport
import Testing

@Suite struct GGUFFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func open(_ writer: GGUFWriter) throws -> GGUFFile {
        try GGUFFile(path: try folder.write(writer.bytes(), to: "model.gguf"))
    }

    @Test(arguments: [UInt32(2), 3], [8, 32, 64, 4096])
    func metadataReadsBackInFileOrder(version: UInt32, alignment: Int) throws {
        var writer = SampleFiles.gguf()
        writer.version = version
        writer.alignment = alignment
        let file = try open(writer)
        let metadata = file.metadata
        #expect(file.version == Int(version))
        #expect(metadata.keys.first == "general.architecture")
        #expect(metadata.keys.count == (alignment == 32 ? 20 : 21))
        #expect(metadata["a.uint8"] == .uint(200))
        #expect(metadata["a.int8"] == .int(-3))
        #expect(metadata["a.uint16"] == .uint(60_000))
        #expect(metadata["a.int16"] == .int(-30_000))
        #expect(metadata["a.uint32"] == .uint(4_000_000_000))
        #expect(metadata["a.int32"] == .int(-2_000_000_000))
        #expect(metadata["a.uint64"] == .uint(.max))
        #expect(metadata["a.int64"] == .int(.min))
        #expect(metadata["a.float32"] == .float(1.5))
        #expect(metadata["a.float64"] == .float(-2.25))
        #expect(metadata["a.true"] == .bool(true))
        #expect(metadata["a.false"] == .bool(false))
        #expect(metadata["a.bytes"] == .string(GGUFString(bytes: [0xE2, 0x96, 0x00, 0xFF])))
        #expect(metadata.type(of: "a.uint16") == .uint16)
        #expect(metadata["absent"] == nil)
    }

    @Test func arraysDecodeWhenAskedFor() throws {
        let metadata = try open(SampleFiles.gguf()).metadata
        #expect(try metadata.strings("tokens") == [Array("<s>".utf8), [0xC3], []])
        #expect(try metadata.floats("scores") == [0, -1, 2.5])
        #expect(try metadata.int32s("types") == [3, 1, -1])
        #expect(try metadata.strings("empty") == [])
        guard case .array(let flags)? = metadata["flags"], case .array(let nested)? = metadata["nested"] else {
            Issue.record("the arrays are missing")
            return
        }
        #expect(try flags.values() == [.bool(true), .bool(false)])
        let rows = try nested.values()
        guard rows.count == 3, case .array(let first) = rows[0], case .array(let last) = rows[2] else {
            Issue.record("nested holds \(rows.count) arrays")
            return
        }
        #expect(try first.values() == [.int(1), .int(2)])
        #expect(try last.values() == [.string(GGUFString(bytes: Array("x".utf8)))])
    }

    @Test(arguments: DType.allCases) func tensorsReadBackBitForBit(type: DType) throws {
        var random = SeededRandom(seed: 5)
        let columns = max(64, type.blockElements)
        let values = random.values(6 * columns)
        var writer = GGUFWriter()
        writer.add("first", shape: [3], type: .f32, values: [1, 2, 3])
        writer.add("weight", shape: [2, 3, columns], type: type, values: values)
        let tensor = try open(writer).tensors.tensor(named: "weight", shape: [2, 3, columns])
        #expect(tensor.dtype == type)
        #expect(tensor.copiedBytes == ReferenceQuantisation.encode(values, as: type))
        let largest = zip(tensor.referenceValues, values).map { ($0 - $1).magnitude }.max() ?? .infinity
        // Half a step of each type for values in -1...1; q4_0 also clips the far end, by up to a whole step, and the K
        // types round their scales.
        let bound: [DType: Float] = [
            .f32: 0, .f16: 0.00025, .bf16: 0.002, .q8_0: 0.0045, .q4_0: 0.13, .q4_1: 0.07, .q5_0: 0.04, .q5_1: 0.04,
            .iq4_nl: 0.13, .q2_k: 0.45, .q3_k: 0.2, .q4_k: 0.09, .q5_k: 0.05, .q6_k: 0.02, .q8_k: 0.0045, .iq4_xs: 0.15,
            .tq1_0: 0.51, .tq2_0: 0.51,
        ]
        #expect(largest <= bound[type] ?? 0)
    }

    @Test func directoryKeepsFileOrderAndFileOffsets() throws {
        let writer = SampleFiles.gguf()
        let bytes = writer.bytes()
        let tensors = try open(writer).tensors
        #expect(tensors.names == DType.allCases.indices.map { "weight.\($0)" } + ["norm", "scalar", "cube"])
        #expect(tensors.count == DType.allCases.count + 3)
        for info in tensors.infos {
            #expect(tensors[info.name]?.copiedBytes == Array(bytes[info.range]), "\(info.name)")
            #expect(info.range.lowerBound % 32 == 0)
        }
        #expect(tensors.info(named: "cube")?.shape == [2, 3, 4])
        #expect(tensors["scalar"]?.shape == [])
        #expect(tensors["absent"] == nil)
    }

    @Test func tensorsOutliveTheFileObject() throws {
        var file: GGUFFile? = try open(SampleFiles.gguf())
        let tensor = try #require(file?.tensors["norm"])
        let before = tensor.copiedBytes
        file = nil
        #expect(tensor.copiedBytes == before)
    }

    @Test func unsupportedTypesAreListedAndRefusedByName() throws {
        var writer = GGUFWriter()
        writer.add("k", shape: [2, 256], typeNumber: 21, bytes: [UInt8](repeating: 1, count: 220))
        writer.add("future", shape: [7], typeNumber: 4_000, bytes: [UInt8](repeating: 1, count: 9))
        writer.add("norm", shape: [2], type: .f32, values: [1, 2])
        let file = try open(writer)
        #expect(file.tensors.infos.map(\.typeName) == ["IQ3_S", "number 4000", "F32"])
        #expect(file.tensors.info(named: "k")?.range.count == 220)
        #expect(file.tensors["k"] == nil)
        let offset = try #require(file.tensors.info(named: "k")).range.lowerBound
        #expect(
            throws: ModelFileError.unsupportedTensorType(file: file.path, name: "k", offset: offset, type: "IQ3_S")
        ) { try file.tensors.tensor(named: "k", shape: [2, 256]) }
        #expect(try file.tensors.tensor(named: "norm").referenceValues == [1, 2])
    }

    @Test func fileWithoutTensorsMayEndBehindItsHeader() throws {
        var writer = GGUFWriter()
        writer.add("a", .uint8(1))
        let file = try GGUFFile(
            path: try folder.write(Array(writer.bytes().prefix(writer.headerByteCount)), to: "vocab.gguf"))
        #expect(file.tensors.count == 0)
        #expect(try file.metadata.uint("a") == 1)
    }
}
