import Foundation
import Kernels
import Tensors
import TestSupport
import Testing

/// What quantising loses, compared with what llama.cpp's quantiser lost on the same weights.
@Suite struct QuantiserErrorTests {
    private struct Kind: Decodable {
        let kind: String
        let values: String
        let errors: [String: Double]

        var floats: [Float] {
            let digits = values.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue.map { UInt8($0) } }
            let bytes = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
            return ReferenceQuantisation.decode(bytes, as: .f32)
        }
    }

    static let quantised: [DType] = [.q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q4_k, .q5_k, .q6_k]

    private static func bytes(_ values: [Float], as type: DType, threads: Int = 1) throws -> [UInt8]? {
        let compute = try Compute(threadCount: threads)
        defer { compute.stop() }
        let buffer = compute.encode(Tensor(shape: [values.count], values: values), elements: 0..<values.count, as: type)
        return buffer.map { $0.elements(0..<$0.count) }
    }

    @Test(arguments: quantised) func theErrorIsNotLargerThanLlamaCppsOwn(type: DType) throws {
        let path = "\(TestFiles.fixtures(of: "QuantizationTests"))/quantiser.json"
        let file = try #require(TestFiles.bytes(of: path), "no \(path)")
        for kind in try JSONDecoder().decode([Kind].self, from: Data(file)) {
            let values = kind.floats
            let bytes = try #require(try Self.bytes(values, as: type))
            let found = ReferenceQuantisation.decode(bytes, as: type)
            let squares = zip(found, values).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
            let all = values.reduce(0.0) { $0 + Double($1) * Double($1) }
            let error = (squares / all).squareRoot()
            let theirs = try #require(kind.errors[type.name])
            #expect(error <= theirs, "\(kind.kind): \(error), llama.cpp \(theirs)")
            #expect(error > 0.5 * theirs, "\(kind.kind): \(error) is too good for \(type)")
        }
    }

    @Test(arguments: quantised + [.f16, .bf16, .f32]) func bytesDoNotDependOnThreads(type: DType) throws {
        var random = SeededRandom(seed: 3)
        let values = random.values(20 * 256)
        let alone = try Self.bytes(values, as: type)
        #expect(try Self.bytes(values, as: type, threads: 3) == alone)
        if type.blockElements == 1 { #expect(alone == ReferenceQuantisation.encode(values, as: type)) }
    }

    @Test(arguments: quantised) func extremeBlocksStayFinite(type: DType) throws {
        var blocks: [[Float]] = [0, -0.0, 1, -1, 65504, -65504, 1e-30, .leastNonzeroMagnitude].map {
            [Float](repeating: $0, count: 256)
        }
        blocks.append((0..<256).map { $0 == 77 ? 65504 : 1e-20 })
        blocks.append((0..<256).map { $0 % 2 == 0 ? 65504 : -65504 })
        blocks.append((0..<256).map { Float($0) + 1000 })
        for values in blocks {
            let bytes = try #require(try Self.bytes(values, as: type))
            let found = ReferenceQuantisation.decode(bytes, as: type)
            let largest = values.map(\.magnitude).max() ?? 0
            for (found, value) in zip(found, values) where !((found - value).magnitude <= 0.13 * largest + 1e-7) {
                Issue.record("\(type): \(value) became \(found)")
                return
            }
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, 1e6])
    func valuesThatNoScaleReachesAreRefused(value: Float) throws {
        var values = [Float](repeating: 0.5, count: 512)
        values[300] = value
        #expect(try Self.bytes(values, as: .q4_k) == nil)
        #expect(try Self.bytes(values, as: .f16) == nil)
        #expect(try Self.bytes(values, as: .f32) != nil)
    }
}
