import CKernels
import TestSupport
import Testing

/// Keys and values stored in blocks of 8 or 4 bits.
@Suite struct BlockRowTests {
    private static let headDims = [1, 7, 16, 31, 32, 33, 64, 80, 96, 128, 160, 256]
    private static let counts = [0, 1, 7, 8, 9, 17, 65, 130]

    private enum Storage: CaseIterable {
        case q8, q4

        func rowBytes(_ d: Int) -> Int { (d + 31) / 32 * (self == .q8 ? 34 : 18) }

        /// Largest distance of a stored value from its own, in shares of the block's largest magnitude: half a step, or
        /// a whole one of the value that q4 cuts off, and the rounding of the scale.
        var bound: Double { self == .q8 ? 0.505 / 127 : 1.01 / 8 }
    }

    private func store(
        _ variant: Variant, _ storage: Storage, _ values: [Float], d: Int, _ findings: inout Findings
    ) -> [UInt8] {
        let count = values.count / d
        let x = GuardedArray(values)
        let rows = GuardedArray(count: count * storage.rowBytes(d), of: UInt8(0xAA))
        switch storage {
        case .q8: unsafe variant.table.pointee.to_q8_rows(count, d, x.pointer, rows.pointer)
        case .q4: unsafe variant.table.pointee.to_q4_rows(count, d, x.pointer, rows.pointer)
        }
        findings.requireIntact(rows, what: "\(variant.isa) \(storage)")
        return rows.values
    }

    /// What a row of bytes means, written down a second time.
    private func read(_ storage: Storage, _ row: ArraySlice<UInt8>, d: Int) -> [Float] {
        let (start, blocks) = (row.startIndex, (d + 31) / 32)
        return (0..<d).map { index in
            let (block, i) = (index / 32, index % 32)
            let bits = UInt32(row[start + 2 * block]) << 16 | UInt32(row[start + 2 * block + 1]) << 24
            let scale = Float(bitPattern: bits)
            let q = start + 2 * blocks
            switch storage {
            case .q8: return scale * Float(Int8(bitPattern: row[q + 32 * block + i]))
            case .q4:
                let byte = row[q + 16 * block + i % 16]
                return scale * (Float(i < 16 ? byte & 15 : byte >> 4) - 8)
            }
        }
    }

    /// Queries of `heads` heads as the logits want them.
    private func blocks(_ storage: Storage, _ queries: [Float], d: Int) -> GuardedArray<ck_block> {
        let blocks = (d + 31) / 32
        let padded = stride(from: 0, to: queries.count, by: d).flatMap { start in
            Array(queries[start..<start + d]) + Array(repeating: 0, count: blocks * 32 - d)
        }
        let target = GuardedArray(count: padded.count / 32, of: ck_block())
        unsafe Variant.scalar.table.pointee.quantize(
            padded.count, storage == .q8 ? 128 : 8, 32, padded, target.pointer)
        return target
    }

    private func logits(
        _ variant: Variant, _ storage: Storage, _ rows: [UInt8], _ queries: GuardedArray<ck_block>, heads: Int, d: Int,
        _ findings: inout Findings
    ) -> [Float] {
        let (keys, count, blocks) = (GuardedArray(rows), rows.count / storage.rowBytes(d), (d + 31) / 32)
        let y = GuardedArray(count: heads * count, of: Float(1e30))
        switch storage {
        case .q8:
            unsafe variant.table.pointee.attention_logits_q8(
                heads, count, d, 0.3, queries.pointer, blocks, keys.pointer, y.pointer, count, y.pointer)
        case .q4:
            unsafe variant.table.pointee.attention_logits_q4(
                heads, count, d, 0.3, queries.pointer, blocks, keys.pointer, y.pointer, count, y.pointer)
        }
        findings.requireIntact(y, what: "\(variant.isa) \(storage) logits")
        return y.values
    }

    private func weightedSum(
        _ variant: Variant, _ storage: Storage, _ rows: [UInt8], _ weights: [Float], heads: Int, d: Int,
        start: [Float]?, _ findings: inout Findings
    ) -> [Float] {
        let (values, count, p) = (GuardedArray(rows), rows.count / storage.rowBytes(d), GuardedArray(weights))
        let y = GuardedArray(start ?? Array(repeating: Float.nan, count: heads * d))
        let accumulate: Int32 = start == nil ? 0 : 1
        switch storage {
        case .q8:
            unsafe variant.table.pointee.weighted_sum_q8(
                heads, count, d, p.pointer, count, values.pointer, accumulate, y.pointer, d, y.pointer)
        case .q4:
            unsafe variant.table.pointee.weighted_sum_q4(
                heads, count, d, p.pointer, count, values.pointer, accumulate, y.pointer, d, y.pointer)
        }
        findings.requireIntact(y, p, what: "\(variant.isa) \(storage) weighted sum")
        return y.values
    }

    @Test(arguments: Sample.allCases)
    func storedRowsAreWithinHalfAStepAndTheSameInEveryVariant(_ sample: Sample) {
        var random = SeededRandom(seed: 21)
        var findings = Findings()
        for storage in Storage.allCases {
            for d in Self.headDims {
                let values = sample.values(5 * d, using: &random)
                let rows = store(.scalar, storage, values, d: d, &findings)
                for variant in Variant.others {
                    let found = store(variant, storage, values, d: d, &findings)
                    findings.require(found == rows, "\(variant.isa) \(storage) \(sample) \(d)")
                }
                for row in 0..<5 {
                    let bytes = rows[row * storage.rowBytes(d)..<(row + 1) * storage.rowBytes(d)]
                    let stored = read(storage, bytes, d: d)
                    for index in 0..<d {
                        let own = values[row * d..<(row + 1) * d]
                        let block = own.dropFirst(index / 32 * 32).prefix(32)
                        let largest = Double(block.map(\.magnitude).max() ?? 0)
                        findings.requireClose(
                            stored[index], Double(values[row * d + index]), bound: storage.bound * largest + 0x1p-100,
                            "\(storage) \(sample) \(d)")
                    }
                }
            }
        }
        findings.record()
    }

    @Test func aBlockWithoutFiniteValuesIsNaNAndAloneSo() {
        var findings = Findings()
        for storage in Storage.allCases {
            for broken in [Float.nan, .infinity, -.infinity] {
                var values = Array(repeating: Float(1), count: 64)
                values[40] = broken
                for variant in [Variant.scalar] + Variant.others {
                    let stored = read(storage, store(variant, storage, values, d: 64, &findings)[0...], d: 64)
                    findings.require(stored.prefix(32).allSatisfy { abs($0 - 1) < 0.13 }, "\(variant.isa) \(storage)")
                    findings.require(stored.suffix(32).allSatisfy(\.isNaN), "\(variant.isa) \(storage) \(broken)")
                }
            }
        }
        findings.record()
    }

    /// All variants, any number of heads together: the bits of the scalar kernel for each head alone. And these are
    /// what the stored numbers and the query's give in exact arithmetic, but for rounding.
    @Test(arguments: Sample.allCases)
    func logitsAndSumsHaveTheScalarBitsAndTheirRoundingErrors(_ sample: Sample) {
        var random = SeededRandom(seed: 22)
        var findings = Findings()
        for storage in Storage.allCases {
            for d in Self.headDims {
                for count in Self.counts {
                    let heads = Int.random(in: 1...6, using: &random)
                    let rows = store(
                        .scalar, storage, sample.values(count * d, using: &random), d: d, &findings)
                    let queries = sample.values(heads * d, using: &random)
                    let p = Sample.ordinary.values(heads * count, using: &random)
                    let start = count % 2 == 0 ? nil : Sample.ordinary.values(heads * d, using: &random)
                    let together = blocks(storage, queries, d: d)
                    var expected: (logits: [Float], sums: [Float]) = ([], [])
                    for head in 0..<heads {
                        let own = head * d..<(head + 1) * d
                        expected.logits += logits(
                            .scalar, storage, rows, blocks(storage, Array(queries[own]), d: d), heads: 1, d: d,
                            &findings)
                        expected.sums += weightedSum(
                            .scalar, storage, rows, Array(p[head * count..<(head + 1) * count]), heads: 1, d: d,
                            start: start.map { Array($0[own]) }, &findings)
                    }
                    for variant in [Variant.scalar] + Variant.others {
                        let what = "\(variant.isa) \(storage) \(sample) \(heads) heads \(count)x\(d)"
                        findings.requireSameBits(
                            logits(variant, storage, rows, together, heads: heads, d: d, &findings), expected.logits,
                            what)
                        findings.requireSameBits(
                            weightedSum(variant, storage, rows, p, heads: heads, d: d, start: start, &findings),
                            expected.sums, what)
                    }
                    guard count > 0 else { continue }
                    let last = read(storage, rows.dropFirst((count - 1) * storage.rowBytes(d)), d: d)
                    let query = together.values
                    let terms = (0..<d).map { i in
                        Double(last[i]) * Double(query[i / 32].scale) * Double(element(query[i / 32], i % 32))
                    }
                    let magnitude = terms.reduce(0) { $0 + abs($1) }
                    findings.requireClose(
                        expected.logits[count - 1], Double(Float(0.3)) * terms.reduce(0, +),
                        bound: Double(d / 32 + 4) * roundoff * magnitude + Double(d + 8) * underflow,
                        "\(storage) \(sample) \(count)x\(d)")
                }
            }
        }
        findings.record()
    }

    private func element(_ block: ck_block, _ index: Int) -> Int8 {
        var block = block
        return unsafe withUnsafeBytes(of: &block.q) { unsafe $0.load(fromByteOffset: index, as: Int8.self) }
    }

    @Test func bfloatRoundsToNearestEven() {
        var findings = Findings()
        let ties: [(Float, UInt16)] = [
            (1, 0x3F80), (Float(bitPattern: 0x3F80_8000), 0x3F80), (Float(bitPattern: 0x3F81_8000), 0x3F82),
            (Float(bitPattern: 0x3F80_8001), 0x3F81), (-2, 0xC000), (.infinity, 0x7F80),
            (.greatestFiniteMagnitude, 0x7F80), (.leastNonzeroMagnitude, 0), (-.leastNonzeroMagnitude, 0x8000),
        ]
        for variant in [Variant.scalar] + Variant.others {
            let x = GuardedArray(ties.map(\.0) + [.nan, Float(bitPattern: 0x7F80_0001)])
            let y = GuardedArray(count: x.count, of: UInt16(0xDEAD))
            unsafe variant.table.pointee.to_bf16(x.count, x.pointer, y.pointer)
            findings.requireIntact(y, what: variant.isa)
            findings.require(Array(y.values.prefix(ties.count)) == ties.map(\.1), "\(variant.isa) \(y.values)")
            findings.require(
                y.values.suffix(2).allSatisfy { Float(bitPattern: UInt32($0) << 16).isNaN }, "\(variant.isa) NaN")
        }
        findings.record()
    }
}
