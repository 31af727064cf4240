import CKernels
import Tensors
import TestSupport
import Testing

@testable import Kernels

/// The Swift face passes its arguments to the slots in the right places.
@Suite struct KernelTableTests {
    @Test func theBestTableIsNamedAndStays() {
        #expect(KernelTable.scalar.isa == "scalar")
        #expect(KernelTable.available.map(\.isa).contains(KernelTable.best.isa))
        unsafe #expect(ck_table_best() == ck_table_best())
    }

    @Test func theEnvironmentNamesTheTableWhereTheCPURunsIt() {
        for table in KernelTable.available { #expect(KernelTable.chosen(by: table.isa).isa == table.isa) }
        let fastest = KernelTable.chosen(by: nil).isa
        #expect(KernelTable.available.last?.isa == fastest)
        for isa in ["", "AVX2", "mmx"] { #expect(KernelTable.chosen(by: isa).isa == fastest) }
    }

    @Test(arguments: KVStorage.allCases)
    func attentionOfTwoKeysIsTheWeightedMean(type: KVStorage) {
        let table = KernelTable.best
        let keys: [Float] = [1, 0, 0, 1]
        let query: [Float] = [2, 2]
        let values: [Float] = [-2, 4, -6, 8]
        let logits = GuardedArray(count: 2, of: Float(0))
        let output = GuardedArray(count: 2, of: Float(0))
        let stored = [keys, values].map { rows in
            let bytes = GuardedArray(count: 2 * type.rowBytes(headDim: 2), of: UInt8(0xAA))
            unsafe table.storeRows(count: 2, headDim: 2, rows, as: type, at: bytes.pointer)
            return bytes
        }
        let blocks = GuardedArray(count: KVStorage.queryBytes(headDim: 2), of: UInt8(0xAA))
        let queries = unsafe KernelTable.Queries(values: query, blocks: blocks.pointer)
        unsafe table.prepareQueries(queries, from: 0, count: 1, headDim: 2, keyType: type)
        let positions: [Int32] = [0, 1]
        unsafe table.attentionLogits(
            heads: 1, count: 2, headDim: 2, scale: 0.5, queries: queries, keys: stored[0].pointer, keyType: type,
            logits: logits.pointer, stride: 2)
        #expect(logits.values.allSatisfy { abs($0 - 1) < 0.01 })
        unsafe logits.pointer.update(repeating: 1, count: 2)
        unsafe table.alibi(count: 2, slope: 1, queryPosition: 1, positions: positions, logits: logits.pointer)
        #expect(logits.values == [0, 1])
        unsafe logits.pointer[0] = 1
        var maximum: Float = 0
        let sum = unsafe table.expSum(count: 2, values: logits.pointer, maximum: &maximum)
        #expect(logits.values == [1, 1] && sum == 2 && maximum == 1)
        for (accumulate, expected) in [(false, [Float(-8), 12]), (true, [-16, 24])] {
            unsafe table.weightedSum(
                heads: 1, count: 2, headDim: 2, weights: logits.pointer, weightStride: 2, values: stored[1].pointer,
                valueType: type, accumulate: accumulate, output: output.pointer, stride: 2)
            // Half a step of q4, and one where the second largest of both signs is cut off.
            let bound: Float = type == .q4 ? 2.5 : type == .q8 ? 0.2 : 0
            #expect(zip(output.values, expected).allSatisfy { abs($0 - $1) <= bound }, "\(output.values)")
        }
    }

    @Test func scoresNoiseAndVictimsUseTheirArguments() {
        let table = KernelTable.scalar
        let noise: [Float] = [2, 0]
        let positions: [Int32] = [4, 9]
        let rows = GuardedArray([Float(1), 3])
        let score = GuardedArray([Float(1), 2])
        var (maximum, sum) = (Float(0), Float(0))
        unsafe table.noisyExpSums(
            heads: 1, count: 2, inverseTau: 0.5, noise: noise, noiseStride: 2, positions: nil, rows: rows.pointer,
            stride: 2, maxima: &maximum, sums: &sum, step: 1)
        #expect(rows.values == [1, 1] && maximum == 1.5 && sum == 2)
        unsafe table.addRows(
            heads: 2, count: 1, weights: [0.5, 0.25], step: 1, rows: rows.pointer, stride: 1, to: score.pointer)
        unsafe table.addRows(
            heads: 1, count: 2, weights: [0.5], step: 1, rows: rows.pointer, stride: 2, to: score.pointer)
        #expect(score.values == [2.25, 2.5])
        unsafe score.pointer[0] = 1.5
        #expect(
            unsafe table.argminNewest(count: 2, scores: score.pointer, positions: positions, candidates: 0...9) == 0)
        #expect(unsafe table.argminNewest(count: 2, scores: [1, 1], positions: positions, candidates: 0...9) == 1)
        #expect(unsafe table.argminNewest(count: 2, scores: [1, 1], positions: positions, candidates: 99...99) == nil)
        let drawn = GuardedArray(count: 2, of: Float(0))
        unsafe table.gumbel(
            count: 2, prefix: GumbelNoise.prefix(seed: 1, layer: 2, head: 3), positions: positions, queryTag: 5,
            noise: drawn.pointer)
        let bits = GumbelNoise.bits(seed: 1, layer: 2, head: 3, keyPosition: 4, queryTag: 5)
        #expect(drawn.values[0] == Float(GumbelNoise.value(uniform: GumbelNoise.uniform(bits: bits))))
    }

    @Test func rotationsAndHalvesUseTheirArguments() {
        let table = KernelTable.best
        let x = GuardedArray([Float(1), 2, 3, 4])
        unsafe table.ropeHalf(pairCount: 2, cosine: [0, 1], sine: [1, 0], x: x.pointer)
        #expect(x.values == [-3, 2, 1, 4])
        unsafe table.ropeInterleaved(pairCount: 2, cosine: [0, 1], sine: [1, 0], x: x.pointer)
        #expect(x.values == [-2, -3, 1, 4])
        let halves = GuardedArray(count: 2, of: UInt16(0))
        unsafe table.storeRows(count: 1, headDim: 2, [1, -2], as: .f16, at: halves.pointer)
        #expect(halves.values == [0x3C00, 0xC000])
    }
}
