import Tensors
import Testing

/// Owned memory for vector instructions.
@Suite struct AlignedBufferTests {
    @Test(arguments: [0, 1, 7, 64, 1000])
    func aBufferIsAlignedAndZeroed(count: Int) {
        let buffer = AlignedBuffer<Float>(count: count)
        let address = unsafe UInt(bitPattern: buffer.base)
        #expect(address % 64 == 0)
        #expect(buffer.elements(0..<count) == Array(repeating: 0, count: count))
        #expect(buffer.byteCount == count * 4)
    }

    @Test func elementsAreReadAsTheyWereWritten() {
        let buffer = AlignedBuffer<Int32>(count: 3)
        buffer[0] = 5
        buffer[2] = -7
        #expect(buffer.elements(0..<3) == [5, 0, -7])
        #expect(buffer[2] == -7)
    }
}
