import Kernels
import ModelFiles
import Tensors
import TestSupport
import Testing

@testable import Quantization

@Suite struct ModelQuantizerTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A model with matrices of 256, 64 and 24 columns in each of eight layers.
    private func model(type: DType = .f32, isTied: Bool = false, experts: Int = 0) -> GGUFWriter {
        var random = SeededRandom(seed: 9)
        var writer = GGUFWriter()
        writer.alignment = 64
        writer.add("general.architecture", .string("llama"))
        writer.add("llama.block_count", .uint32(8))
        if experts > 0 { writer.add("llama.expert_count", .uint32(UInt32(experts))) }
        writer.add("general.file_type", .uint32(0))
        writer.add("odd.bytes", .array(of: .string(""), [.bytes([0xC3, 0]), .string("x")]))
        writer.add("odd.int8", .int8(-3))
        func add(_ name: String, _ shape: [Int], _ type: DType) {
            writer.add(name, shape: shape, type: type, values: random.values(shape.reduce(1, *)))
        }
        add("token_embd.weight", [6, 256], type)
        if !isTied { add("output.weight", [6, 256], type) }
        for layer in 0..<8 {
            add("blk.\(layer).attn_norm.weight", [256], .f32)
            add("blk.\(layer).attn_q.weight", [4, 256], type)
            add("blk.\(layer).attn_v.weight", [4, 256], type)
            add("blk.\(layer).ffn_down.weight", [4, 256], type)
            add("blk.\(layer).ffn_up.weight", [4, 64], type)
            add("blk.\(layer).odd.weight", [2, 24], .f32)
        }
        return writer
    }

    @Test func aModelIsNotReplacedByItself() throws {
        let path = try folder.write(model().bytes(), to: "in.gguf")
        let compute = try Compute(threadCount: 1)
        defer { compute.stop() }
        let quantizer = try ModelQuantizer(GGUFFile(path: path), type: QuantizationType(name: "Q8_0"))
        #expect(throws: OutputFileError.self) { try quantizer.write(to: path, compute: compute) { _ in } }
        #expect(TestFiles.bytes(of: path) == model().bytes())
    }

    private func quantise(_ writer: GGUFWriter, _ type: QuantizationType) throws -> (GGUFFile, ModelQuantizer.Outcome) {
        let source = try GGUFFile(path: folder.write(writer.bytes(), to: "in.gguf"))
        let compute = try Compute(threadCount: 2)
        defer { compute.stop() }
        let path = "\(folder.path)/out.gguf"
        var shares: [Double] = []
        let outcome = try ModelQuantizer(source, type: type).write(to: path, compute: compute) { shares.append($0) }
        #expect(shares == shares.sorted() && shares.last == 1)
        let file = try GGUFFile(path: path)
        #expect(TestFiles.bytes(of: path)?.count == outcome.byteCount)
        #expect(WeightMix(file.tensors).shares == outcome.mix)
        #expect(file.tensors.names == source.tensors.names)
        return (file, outcome)
    }

    private func type(_ file: GGUFFile, _ name: String) -> String? { file.tensors.info(named: name)?.typeName }

    @Test func metadataAndVectorsStayAsTheyAre() throws {
        let (file, _) = try quantise(model(), .q8_0)
        let source = try GGUFFile(path: "\(folder.path)/in.gguf")
        for key in source.metadata.keys where key != "general.file_type" {
            #expect(file.metadata[key] == source.metadata[key], "\(key)")
            #expect(file.metadata.type(of: key) == source.metadata.type(of: key), "\(key)")
        }
        #expect(try file.metadata.uint("general.file_type") == 7)
        #expect(try file.metadata.uint("general.quantization_version") == 2)
        #expect(try file.metadata.uint("general.alignment") == 64)
        let norm = "blk.0.attn_norm.weight"
        #expect(file.tensors[norm]?.copiedBytes == source.tensors[norm]?.copiedBytes)
        #expect(file.tensors.infos.allSatisfy { $0.range.lowerBound % 64 == 0 })
    }

    @Test(arguments: QuantizationType.allCases) func valuesStayClose(type: QuantizationType) throws {
        let (file, _) = try quantise(model(), type)
        let source = try GGUFFile(path: "\(folder.path)/in.gguf")
        for name in source.tensors.names {
            let exact = try source.tensors.tensor(named: name).referenceValues
            let found = try file.tensors.tensor(named: name).referenceValues
            let largest = zip(exact, found).map { ($0 - $1).magnitude }.max() ?? 0
            #expect(largest < 0.15, "\(name) as \(self.type(file, name) ?? "")")
        }
    }

    @Test(arguments: [DType.f16, .bf16]) func halfPrecisionIsASourceToo(type: DType) throws {
        let (file, _) = try quantise(model(type: type), .q4_0)
        #expect(self.type(file, "blk.1.attn_q.weight") == "Q4_0")
    }

    @Test func theMixGivesMoreBitsToSomeMatrices() throws {
        let (file, outcome) = try quantise(model(), .q4_k_m)
        #expect(type(file, "output.weight") == "Q6_K")
        #expect(type(file, "token_embd.weight") == "Q4_K")
        #expect(type(file, "blk.0.attn_q.weight") == "Q4_K")
        let more = (0..<8).filter { type(file, "blk.\($0).attn_v.weight") == "Q6_K" }
        // The first and last eighth, and every third between, from the second of the rest on.
        #expect(more == [0, 3, 6, 7])
        #expect((0..<8).filter { type(file, "blk.\($0).ffn_down.weight") == "Q6_K" } == more)
        #expect(type(file, "blk.0.ffn_up.weight") == "Q5_0")
        #expect(type(file, "blk.0.odd.weight") == "F16")
        #expect(outcome.fallbacks.count == 16)
        #expect(outcome.fallbacks.contains("blk.7.ffn_up.weight as Q5_0"))
    }

    @Test func aTiedEmbeddingCountsAsTheOutput() throws {
        #expect(type(try quantise(model(isTied: true), .q4_0).0, "token_embd.weight") == "Q6_K")
        #expect(type(try quantise(model(), .q4_0).0, "token_embd.weight") == "Q4_0")
        #expect(type(try quantise(model(), .q8_0).0, "output.weight") == "Q8_0")
    }

    @Test func eightExpertsKeepTheirAttention() throws {
        let (file, _) = try quantise(model(experts: 8), .q4_k_s)
        #expect(type(file, "blk.5.attn_v.weight") == "Q8_0")
        #expect(type(file, "blk.0.ffn_down.weight") == "Q5_K")
    }

    @Test func aQuantisedModelIsNotQuantisedAgain() throws {
        #expect(throws: QuantizationError.self) { try quantise(model(type: .q4_0), .q4_k_m) }
        let error = QuantizationError.alreadyQuantised(file: "a.gguf", tensor: "t", type: "Q4_0")
        #expect(error.description.contains("F32, F16 or BF16"))
    }

    @Test func aValueThatIsNoNumberNamesItsTensorAndLeavesNoFile() throws {
        var writer = model()
        writer.add("bad.weight", shape: [2, 32], type: .f32, values: [Float](repeating: .nan, count: 64))
        #expect {
            try quantise(writer, .q8_0)
        } throws: { "\($0)".contains("bad.weight") }
        #expect(TestFiles.bytes(of: "\(folder.path)/out.gguf") == nil)
    }

    @Test func unknownTypesListTheKnownOnes() throws {
        #expect(try QuantizationType(name: "q4_k") == .q4_k_m)
        #expect(try QuantizationType(name: "Q5_K_S") == .q5_k_s)
        #expect {
            try QuantizationType(name: "Q9_Z")
        } throws: { "\($0)".contains("Q9_Z") && "\($0)".contains("Q4_K_M") }
    }
}
