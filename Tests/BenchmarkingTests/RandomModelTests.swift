import Decoding
import Kernels
import ModelFiles
import Tensors
import TestSupport
import Testing

@testable import Benchmarking

@Suite struct RandomModelTests {
    static func write(_ shape: ModelShape, _ type: WeightType, seed: UInt64, in folder: TemporaryFolder) throws
        -> String
    {
        let path = "\(folder.path)/\(shape.rawValue)-\(type.rawValue)-\(seed).gguf"
        let bytes = try RandomModel(shape: shape, type: type, seed: seed).write(to: path)
        #expect(TestFiles.bytes(of: path)?.count == bytes)
        return path
    }

    /// The smallest shape for the type.
    static func shape(for type: WeightType) -> ModelShape { ModelShape.tiny.fits(type) ? .tiny : .small }

    @Test(arguments: WeightType.allCases)
    func theFileHasTheShapeThatWasAskedFor(type: WeightType) throws {
        let folder = try TemporaryFolder()
        let path = try Self.write(Self.shape(for: type), type, seed: 1, in: folder)
        let file = try GGUFFile(path: path)
        let model = try DecoderModel.load(.gguf(file))
        let size = Self.shape(for: type).dimensions
        #expect(model.configuration.layerCount == size.layers)
        #expect(model.configuration.hiddenSize == size.hidden)
        #expect(model.configuration.queryHeads == size.queryHeads)
        #expect(model.configuration.kvHeads == size.kvHeads)
        #expect(model.configuration.headDim == size.headDim)
        #expect(model.configuration.feedForwardSize == size.feedForward)
        #expect(model.configuration.vocabularySize == size.vocabulary)
        #expect(model.configuration.contextLength == size.context)
        #expect(try file.tensors.tensor(named: "blk.1.ffn_down.weight").dtype.name == type.rawValue.uppercased())
        let facts = try ModelFacts(path: path)
        #expect(facts.isQuantised == ![.f32, .f16, .bf16].contains(type))
        #expect(facts.outputElements == size.vocabulary * size.hidden)
    }

    @Test func aSeedGivesTheSameBytes() throws {
        let folder = try TemporaryFolder()
        let first = TestFiles.bytes(of: try Self.write(.tiny, .q4_0, seed: 5, in: folder))
        let second = TestFiles.bytes(of: try Self.write(.tiny, .q4_0, seed: 5, in: folder))
        let other = TestFiles.bytes(of: try Self.write(.tiny, .q4_0, seed: 6, in: folder))
        #expect(first == second)
        #expect(first != other)
    }

    /// All types draw from distributions of the same mean and deviation.
    @Test(arguments: WeightType.allCases)
    func weightsAreCentredAndScaled(type: WeightType) throws {
        let folder = try TemporaryFolder()
        let file = try GGUFFile(path: try Self.write(Self.shape(for: type), type, seed: 2, in: folder))
        let values = try file.tensors.tensor(named: "token_embd.weight").floats().map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let deviation = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
        // Weights of twice the inverse root of the hidden size.
        let wanted = 2 / Double(Self.shape(for: type).dimensions.hidden).squareRoot()
        #expect(abs(mean) < 0.02 * wanted)
        #expect(abs(deviation / wanted - 1) < 0.02, "\(deviation)")
    }

    @Test(arguments: WeightType.allCases)
    func logitsAreFiniteAndOfOrderOne(type: WeightType) throws {
        let folder = try TemporaryFolder()
        let facts = try ModelFacts(path: try Self.write(Self.shape(for: type), type, seed: 3, in: folder))
        let logits = try TinyRun.logits(facts, prompt: 16, steps: 4)
        for values in logits {
            let rms = (values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
            #expect(rms > 0.2 && rms < 20, "\(rms)")
            #expect(values.allSatisfy { $0.isFinite && abs($0) < 100 })
        }
    }

    @Test func randomPiecesHaveNoLowestValue() {
        var random = WeightRandom(seed: 1, stream: 0)
        var wrong = 0
        for _ in 0..<10_000 {
            let bytes = random.signedBytes()
            for shift in stride(from: 0, to: 64, by: 8) where (bytes >> UInt64(shift)) & 0xFF == 0x80 { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func rowsThatFillNoBlocksAreRefused() {
        #expect {
            try RandomModel(shape: .smol135m, type: .q4_k, seed: 1).write(to: "/dev/null")
        } throws: { "\($0)".contains("small, llama1b") }
    }

    @Test func aFileThatCannotBeWrittenIsAnError() {
        #expect {
            try RandomModel(shape: .tiny, type: .f32, seed: 1).write(to: "/nonexistent/a.gguf")
        } throws: { "\($0)".contains("/nonexistent/a.gguf cannot be written") }
    }

    @Test func theVocabularyHasEveryByteOnceAndTheWantedSize() {
        let vocabulary = SyntheticVocabulary(size: 1024)
        #expect(vocabulary.tokens.count == 1024)
        #expect(Set(vocabulary.tokens).count == 1024)
        #expect(vocabulary.tokens[Int(UInt8(ascii: "A"))] == "A")
        #expect(vocabulary.tokens[32] == "Ġ" && vocabulary.tokens[10] == "Ċ")
        for merge in vocabulary.merges {
            let whole = merge.split(separator: " ").joined()
            #expect(vocabulary.tokens.contains(whole), "\(merge)")
        }
    }
}
