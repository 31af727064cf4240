import Tensors
import Testing

/// Sizes of element types.
@Suite struct DTypeTests {
    @Test(arguments: [
        (DType.f32, 5, 20), (.f16, 5, 10), (.bf16, 5, 10), (.q8_0, 64, 68), (.q4_0, 64, 36), (.q4_k, 512, 288),
        (.q6_k, 256, 210), (.f32, 0, 0),
    ])
    func bytesOfElements(dtype: DType, elements: Int, bytes: Int) {
        #expect(dtype.byteCount(elements: elements) == bytes)
    }

    @Test(arguments: [(DType.q8_0, 33), (.q4_0, 1), (.q4_k, 32), (.f32, -1), (.f32, Int.max), (.f16, Int.max)])
    func countsThatFillNoBlocksOrOverflowHaveNoSize(dtype: DType, elements: Int) {
        #expect(dtype.byteCount(elements: elements) == nil)
    }
}
