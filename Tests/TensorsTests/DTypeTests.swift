import Tensors
import Testing

/// Sizes of element types.
@Suite struct DTypeTests {
    @Test(arguments: [
        (DType.f32, 5, 20), (.f16, 5, 10), (.bf16, 5, 10), (.q8_0, 64, 68), (.q4_0, 64, 36), (.q4_k, 512, 288),
        (.q6_k, 256, 210), (.f32, 0, 0), (.q4_1, 64, 40), (.q5_0, 64, 44), (.q5_1, 64, 48), (.iq4_nl, 64, 36),
        (.q2_k, 256, 84), (.q3_k, 256, 110), (.q5_k, 256, 176), (.q8_k, 256, 292), (.iq4_xs, 256, 136),
        (.tq1_0, 256, 54), (.tq2_0, 256, 66),
    ])
    func bytesOfElements(dtype: DType, elements: Int, bytes: Int) {
        #expect(dtype.byteCount(elements: elements) == bytes)
    }

    @Test(arguments: [(DType.q8_0, 33), (.q4_0, 1), (.q4_k, 32), (.f32, -1), (.f32, Int.max), (.f16, Int.max)])
    func countsThatFillNoBlocksOrOverflowHaveNoSize(dtype: DType, elements: Int) {
        #expect(dtype.byteCount(elements: elements) == nil)
    }
}

extension DTypeTests {
    @Test func namesAreThoseOfTheFormat() {
        let names = "F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 IQ4_NL Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K IQ4_XS TQ1_0 TQ2_0"
        #expect(DType.allCases.map(\.name).joined(separator: " ") == names)
    }
}
