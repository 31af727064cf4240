import Decoding
import Kernels
import ModelFiles
import TestSupport
import Tensors
import Testing

/// Folders written as GGUF give the logits that they gave, and what GGUF cannot say is refused.
@Suite struct ConversionTests {
    /// GGUF has no dynamic scaling, no window for qwen2 and one gelu for gpt2.
    static let refused = ["llama-dynamic", "qwen2-window", "cerebras-gpt"]

    private static func convert(_ name: String, to type: DType, in folder: TemporaryFolder) throws -> String {
        let conversion = try GGUFConversion(SafetensorsFolder(folder: "\(FamilyVector.folder)/\(name)"))
        let compute = try Compute(threadCount: 1)
        defer { compute.stop() }
        let path = folder.path + "/model.gguf"
        let size = try conversion.write(to: path, type: type, name: "tiny", extra: [], compute: compute)
        #expect(size > 0)
        return path
    }

    @Test(arguments: FamilyVector.names.filter { !ConversionTests.refused.contains($0) })
    func aConvertedModelGivesTheSameLogits(name: String) throws {
        let folder = try TemporaryFolder()
        let model = try DecoderModel.load(ModelSource.open(path: try Self.convert(name, to: .f32, in: folder)))
        let vector = try FamilyVector(name, model: model)
        let rows = try FamilyTests.rows(vector, prompt: vector.ids.count)
        for (row, expected) in vector.logits {
            let worst = zip(rows[row], expected).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst < 1e-4, "row \(row): \(worst)")
        }
    }

    @Test(arguments: ConversionTests.refused) func whatGGUFCannotSayIsRefused(name: String) throws {
        let folder = try TemporaryFolder()
        #expect(throws: ModelError.self) { try Self.convert(name, to: .f16, in: folder) }
    }

    @Test(arguments: [DType.f16, .bf16, .q8_0]) func everyTypeCanBeLoaded(type: DType) throws {
        let folder = try TemporaryFolder()
        for name in ["llama", "gptneox", "qwen3moe", "gpt2"] {
            let path = try Self.convert(name, to: type, in: folder)
            let model = try DecoderModel.load(ModelSource.open(path: path))
            #expect(model.configuration.layerCount > 1)
            let types = Set(try GGUFFile(path: path).tensors.infos.compactMap(\.dtype))
            #expect(types.contains(type) && types.contains(.f32), "\(name): \(types)")
        }
    }
}
