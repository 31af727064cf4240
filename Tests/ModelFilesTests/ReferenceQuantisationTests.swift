import Tensors
import TestSupport
import Testing

/// The writers' own encoders, against blocks worked out by hand.
@Suite struct ReferenceQuantisationTests {
    @Test func q8BlocksScaleByTheLargestMagnitude() {
        var values = [Float](repeating: 0, count: 32)
        values[0] = -127
        values[1] = 63.5
        values[31] = 1
        let bytes = ReferenceQuantisation.encode(values, as: .q8_0)
        #expect(bytes.count == 34)
        // Scale 1 in f16 is 0x3C00; 63.5 rounds away from zero.
        #expect(Array(bytes[0..<4]) == [0x00, 0x3C, 0x81, 64])
        #expect(bytes[33] == 1)
    }

    @Test func q4BlocksPutTheExtremeAtMinusEight() {
        var values = [Float](repeating: 0, count: 32)
        values[0] = 8
        values[1] = -7
        values[16] = -1
        let bytes = ReferenceQuantisation.encode(values, as: .q4_0)
        #expect(bytes.count == 18)
        // Scale −1 in f16 is 0xBC00; low nibbles are elements 0 to 15, high ones 16 to 31.
        #expect(Array(bytes[0..<4]) == [0x00, 0xBC, 0x90, 0x8F])
        #expect(ReferenceQuantisation.decode(bytes, as: .q4_0) == values)
    }

    @Test func bf16RoundsToEvenAndKeepsNaN() {
        let values: [Float] = [1, -0.0, .infinity, Float(bitPattern: 0x3F80_8000), Float(bitPattern: 0x3F81_8000)]
        let bytes = ReferenceQuantisation.encode(values, as: .bf16)
        #expect(bytes == [0x80, 0x3F, 0x00, 0x80, 0x80, 0x7F, 0x80, 0x3F, 0x82, 0x3F])
        let nan = ReferenceQuantisation.encode([Float(bitPattern: 0x7F80_0001)], as: .bf16)
        #expect(ReferenceQuantisation.decode(nan, as: .bf16)[0].isNaN)
    }

    @Test(arguments: DType.allCases) func decodedValuesEncodeToTheSameBytes(type: DType) {
        var random = SeededRandom(seed: 11)
        let once = ReferenceQuantisation.encode(random.values(256), as: type)
        let twice = ReferenceQuantisation.encode(ReferenceQuantisation.decode(once, as: type), as: type)
        #expect(once.count == type.byteCount(elements: 256))
        // The scale of a quantised block is rounded again, which may move it by one f16 step.
        if type.blockElements == 1 { #expect(once == twice) }
    }

    /// Of all types but Q8_K, whose scale is an f32.
    @Test(arguments: DType.allCases.filter { $0.blockElements > 1 && $0 != .q8_k })
    func tinyAndZeroBlocksAreSafe(type: DType) {
        for value: Float in [0, -0.0, .leastNonzeroMagnitude, .leastNormalMagnitude / 8] {
            let bytes = ReferenceQuantisation.encode([Float](repeating: value, count: type.blockElements), as: type)
            #expect(ReferenceQuantisation.decode(bytes, as: type).allSatisfy { $0 == 0 })
        }
    }
}
