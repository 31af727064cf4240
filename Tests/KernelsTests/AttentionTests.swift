import CKernels
import TestSupport
import Testing

@Suite struct AttentionTests {
    private static let headDims = [1, 7, 8, 9, 16, 32, 33, 64, 80, 96, 104, 112, 128, 136, 256]
    private static let keyCounts = [0, 1, 7, 8, 9, 17, 33]
    private static let headCounts = [1, 2, 3, 4, 5, 7]
    /// What the scalar kernel of f32 is compared with.
    private static let comparedKernels: [(variant: Variant, type: Storage)] =
        [(.scalar, .f16), (.scalar, .bf16)]
        + Variant.others.flatMap { variant in Storage.allCases.map { (variant, $0) } }

    private enum Storage: CaseIterable { case f32, f16, bf16 }

    /// Keys or values of one head: `[count, d]`, as f32, f16 and bf16 with the same values.
    private struct Rows {
        let count: Int, d: Int
        let exact: [Float]
        let wide: GuardedArray<Float>, half: GuardedArray<UInt16>, brain: GuardedArray<UInt16>

        init(_ count: Int, _ d: Int, _ sample: Sample, random: inout SeededRandom) {
            (self.count, self.d) = (count, d)
            // Seven bits of fraction in the range of f16: what all types hold.
            exact = sample.values(count * d, using: &random).map {
                let narrow = Float(Float16($0.magnitude > 6e4 ? $0 / 1e12 : $0))
                return Float(bitPattern: narrow.bitPattern & 0xFFFF_0000)
            }
            wide = GuardedArray(exact)
            half = GuardedArray(exact.map { Float16($0).bitPattern })
            brain = GuardedArray(exact.map { UInt16($0.bitPattern >> 16) })
        }
    }

    /// Logits of `heads` heads that stand without room between them.
    private func logits(
        _ variant: Variant, _ rows: Rows, _ q: [Float], heads: Int = 1, type: Storage, _ findings: inout Findings
    ) -> [Float] {
        let q = GuardedArray(q)
        let y = GuardedArray(count: heads * rows.count, of: Float(1e30))
        switch type {
        case .f32:
            unsafe variant.table.pointee.attention_logits_f32(
                heads, rows.count, rows.d, 0.3, q.pointer, rows.d, rows.wide.pointer, y.pointer, rows.count, nil)
        case .f16:
            unsafe variant.table.pointee.attention_logits_f16(
                heads, rows.count, rows.d, 0.3, q.pointer, rows.d, rows.half.pointer, y.pointer, rows.count, nil)
        case .bf16:
            unsafe variant.table.pointee.attention_logits_bf16(
                heads, rows.count, rows.d, 0.3, q.pointer, rows.d, rows.brain.pointer, y.pointer, rows.count, nil)
        }
        findings.requireIntact(q, y, what: "\(variant.isa) logits")
        return y.values
    }

    /// The same by way of tiled keys.
    private func tileLogits(
        _ variant: Variant, _ rows: Rows, _ q: [Float], heads: Int, type: Storage, _ findings: inout Findings
    ) -> [Float] {
        let q = GuardedArray(q)
        let tile = Int(CK_KEY_TILE)
        let room = (rows.count + tile - 1) / tile * tile
        let tiles = GuardedArray(count: room * rows.d, of: Float(1e30))
        let y = GuardedArray(count: heads * room, of: Float(1e30))
        switch type {
        case .f32: unsafe variant.table.pointee.tile_keys_f32(rows.count, rows.d, rows.wide.pointer, tiles.pointer)
        case .f16: unsafe variant.table.pointee.tile_keys_f16(rows.count, rows.d, rows.half.pointer, tiles.pointer)
        case .bf16: unsafe variant.table.pointee.tile_keys_bf16(rows.count, rows.d, rows.brain.pointer, tiles.pointer)
        }
        unsafe variant.table.pointee.tile_logits_f32(
            heads, rows.count, rows.d, 0.3, q.pointer, rows.d, tiles.pointer, y.pointer, room)
        findings.requireIntact(q, y, tiles, what: "\(variant.isa) tile logits")
        return (0..<heads).flatMap { head in y.values[head * room..<head * room + rows.count] }
    }

    private func weightedSum(
        _ variant: Variant, _ rows: Rows, _ p: [Float], heads: Int = 1, type: Storage, start: [Float]?,
        _ findings: inout Findings
    ) -> [Float] {
        let p = GuardedArray(p)
        let y = GuardedArray(start ?? Array(repeating: Float.nan, count: heads * rows.d))
        let accumulate: Int32 = start == nil ? 0 : 1
        switch type {
        case .f32:
            unsafe variant.table.pointee.weighted_sum_f32(
                heads, rows.count, rows.d, p.pointer, rows.count, rows.wide.pointer, accumulate, y.pointer, rows.d,
                y.pointer)
        case .f16:
            unsafe variant.table.pointee.weighted_sum_f16(
                heads, rows.count, rows.d, p.pointer, rows.count, rows.half.pointer, accumulate, y.pointer, rows.d,
                y.pointer)
        case .bf16:
            unsafe variant.table.pointee.weighted_sum_bf16(
                heads, rows.count, rows.d, p.pointer, rows.count, rows.brain.pointer, accumulate, y.pointer, rows.d,
                y.pointer)
        }
        findings.requireIntact(p, y, what: "\(variant.isa) weighted sum")
        return y.values
    }

    @Test(arguments: Sample.allCases)
    func logitsHaveTheScalarBitsAndTheirRoundingErrors(_ sample: Sample) {
        var random = SeededRandom(seed: 11)
        var findings = Findings()
        for d in Self.headDims {
            for count in Self.keyCounts {
                let rows = Rows(count, d, sample, random: &random)
                let q = sample.values(d, using: &random)
                let expected = logits(.scalar, rows, q, type: .f32, &findings)
                for (variant, type) in Self.comparedKernels {
                    let found = logits(variant, rows, q, type: type, &findings)
                    findings.requireSameBits(found, expected, "\(variant.isa) \(sample) \(count)x\(d) \(type)")
                }
                guard count > 0 else { continue }
                let terms = (0..<d).map { Double(q[$0]) * Double(rows.exact[(count - 1) * d + $0]) }
                let magnitude = terms.reduce(0) { $0 + abs($1) }
                let bound = (Double(d) / 8 + 7) * roundoff * 0.3 * magnitude + Double(d + 8) * underflow
                let exact = Double(Float(0.3)) * terms.reduce(0, +)
                findings.requireClose(expected[count - 1], exact, bound: bound, "\(sample) \(count)x\(d)")
            }
        }
        findings.record()
    }

    @Test(arguments: Sample.allCases)
    func weightedSumsHaveTheScalarBitsAndTheirRoundingErrors(_ sample: Sample) {
        var random = SeededRandom(seed: 12)
        var findings = Findings()
        for d in Self.headDims {
            for count in Self.keyCounts {
                let rows = Rows(count, d, sample, random: &random)
                let p = sample.values(count, using: &random)
                let start = Sample.ordinary.values(d, using: &random)
                for start in [nil, start] {
                    let expected = weightedSum(.scalar, rows, p, type: .f32, start: start, &findings)
                    for (variant, type) in Self.comparedKernels {
                        let found = weightedSum(variant, rows, p, type: type, start: start, &findings)
                        findings.requireSameBits(
                            found, expected, "\(variant.isa) \(sample) \(count)x\(d) \(type)")
                    }
                    let i = Int.random(in: 0..<d, using: &random)
                    let terms =
                        [Double(start?[i] ?? 0)] + (0..<count).map { Double(p[$0]) * Double(rows.exact[$0 * d + i]) }
                    let magnitude = terms.reduce(0) { $0 + abs($1) }
                    let bound = Double(count + 1) * (roundoff * magnitude + underflow)
                    findings.requireClose(expected[i], terms.reduce(0, +), bound: bound, "\(sample) \(count)x\(d)")
                }
            }
        }
        findings.record()
    }

    /// Heads taken together, and keys taken from tiles, give each head the bits that it has alone.
    @Test(arguments: Sample.allCases)
    func headsTogetherGiveTheBitsOfEachAlone(_ sample: Sample) {
        var random = SeededRandom(seed: 14)
        var findings = Findings()
        for d in [8, 9, 64, 80, 128] {
            for heads in Self.headCounts {
                let count = Int.random(in: 1...70, using: &random)
                let rows = Rows(count, d, sample, random: &random)
                let q = sample.values(heads * d, using: &random)
                let p = sample.values(heads * count, using: &random)
                let start = random.next() & 1 == 0 ? nil : Sample.ordinary.values(heads * d, using: &random)
                var expectedLogits: [Float] = []
                var expectedSums: [Float] = []
                for head in 0..<heads {
                    let query = Array(q[head * d..<head * d + d])
                    expectedLogits += logits(.scalar, rows, query, type: .f32, &findings)
                    expectedSums += weightedSum(
                        .scalar, rows, Array(p[head * count..<head * count + count]), type: .f32,
                        start: start.map { Array($0[head * d..<head * d + d]) }, &findings)
                }
                for variant in [Variant.scalar] + Variant.others {
                    for type in Storage.allCases {
                        let what = "\(variant.isa) \(sample) \(heads) heads \(count)x\(d) \(type)"
                        findings.requireSameBits(
                            logits(variant, rows, q, heads: heads, type: type, &findings), expectedLogits, what)
                        findings.requireSameBits(
                            tileLogits(variant, rows, q, heads: heads, type: type, &findings), expectedLogits,
                            "tiles \(what)")
                        findings.requireSameBits(
                            weightedSum(variant, rows, p, heads: heads, type: type, start: start, &findings),
                            expectedSums, what)
                    }
                }
            }
        }
        findings.record()
    }

    @Test(arguments: Sample.allCases)
    func alibiHasTheScalarBitsAndItsRoundingErrors(_ sample: Sample) {
        var random = SeededRandom(seed: 13)
        var findings = Findings()
        for count in lengths {
            let start = sample.values(count, using: &random)
            let positions = (0..<count).map { _ in Int32.random(in: 0...100_000, using: &random) }
            func run(_ variant: Variant) -> [Float] {
                let x = GuardedArray(start)
                let positions = GuardedArray(positions)
                unsafe variant.table.pointee.alibi_f32(count, 0.01, 50_000, positions.pointer, x.pointer)
                findings.requireIntact(x, what: "\(variant.isa) alibi")
                return x.values
            }
            let expected = run(.scalar)
            for variant in Variant.others {
                findings.requireSameBits(run(variant), expected, "\(variant.isa) \(sample) \(count)")
            }
            for index in 0..<count {
                let exact = Double(start[index]) + Double(Float(0.01)) * Double(positions[index] - 50_000)
                findings.requireClose(
                    expected[index], exact, bound: roundoff * abs(exact) + underflow, "\(sample) \(index)")
            }
        }
        findings.record()
    }
}
