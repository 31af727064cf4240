import CKernels
import TestSupport
import Testing

@Suite struct MatmulTests {
    private static let rowCounts = [0, 1, 2, 3, 4, 5, 33]
    private static let outputCounts = [0, 1, 2, 3, 8, 9, 25]
    private static let inputCounts = [0, 1, 7, 8, 9, 32, 33, 384, 391, 800]

    /// One multiplication with room between the rows; the room of `y` stays as it was or is a finding.
    struct Case {
        let rows: Int, m: Int, k: Int
        let w: GuardedArray<Float>, x: GuardedArray<Float>
        var xStride: Int { k + 3 }
        var yStride: Int { m + 2 }

        init(rows: Int, m: Int, k: Int, sample: Sample, random: inout SeededRandom) {
            (self.rows, self.m, self.k) = (rows, m, k)
            w = GuardedArray(sample.values(m * k, using: &random))
            // The last row ends at the guard page.
            x = GuardedArray(sample.values(max(0, rows * (k + 3) - 3), using: &random))
        }

        /// y as `[rows, m]`.
        func run(_ variant: Variant, _ findings: inout Findings) -> [Float] {
            let y = GuardedArray(count: max(0, rows * yStride - 2), of: Float(1e30))
            unsafe variant.table.pointee.matmul_f32(rows, m, k, w.pointer, x.pointer, xStride, y.pointer, yStride)
            findings.requireIntact(y, w, x, what: "\(variant.isa) \(rows)x\(m)x\(k)")
            let all = y.values
            for index in all.indices where index % yStride >= m && all[index] != 1e30 {
                findings.require(false, "\(variant.isa) \(rows)x\(m)x\(k) wrote between rows at \(index)")
            }
            return all.indices.filter { $0 % yStride < m }.map { all[$0] }
        }

        /// The exact sum of an element, and the sum of its terms' magnitudes.
        func exact(_ row: Int, _ output: Int) -> (sum: Double, magnitude: Double) {
            var (sum, magnitude) = (0.0, 0.0)
            for i in 0..<k {
                let term = unsafe Double(w.pointer[output * k + i]) * Double(x.pointer[row * xStride + i])
                sum += term
                magnitude += abs(term)
            }
            return (sum, magnitude)
        }
    }

    @Test(arguments: Sample.allCases)
    func everyVariantGivesTheScalarBits(_ sample: Sample) {
        var random = SeededRandom(seed: 1)
        var findings = Findings()
        for rows in Self.rowCounts {
            for m in Self.outputCounts {
                for k in Self.inputCounts {
                    let one = Case(rows: rows, m: m, k: k, sample: sample, random: &random)
                    let expected = one.run(.scalar, &findings)
                    for variant in Variant.others {
                        let found = one.run(variant, &findings)
                        findings.requireSameBits(found, expected, "\(variant.isa) \(rows)x\(m)x\(k) \(sample)")
                    }
                }
            }
        }
        findings.record()
    }

    @Test(arguments: Sample.allCases)
    func theScalarSumIsWithinItsRoundingErrors(_ sample: Sample) {
        var random = SeededRandom(seed: 2)
        var findings = Findings()
        for k in Self.inputCounts {
            let one = Case(rows: 2, m: 3, k: k, sample: sample, random: &random)
            let found = one.run(.scalar, &findings)
            for row in 0..<2 {
                for output in 0..<3 {
                    let (sum, magnitude) = one.exact(row, output)
                    // k/8 multiply-adds and three additions touch each term; f64 adds less than one such error.
                    let bound = (Double(k) / 8 + 5) * roundoff * magnitude + Double(k + 8) * underflow
                    findings.requireClose(found[row * 3 + output], sum, bound: bound, "k \(k) \(sample)")
                }
            }
        }
        findings.record()
    }

    @Test func aSumDoesNotDependOnTheRowsAndOutputsAroundIt() {
        var random = SeededRandom(seed: 3)
        var findings = Findings()
        let (rows, m, k) = (37, 29, 411)
        let one = Case(rows: rows, m: m, k: k, sample: .ordinary, random: &random)
        for variant in [Variant.scalar] + Variant.others {
            let whole = one.run(variant, &findings)
            for _ in 0..<60 {
                let firstRow = Int.random(in: 0..<rows, using: &random)
                let firstOutput = Int.random(in: 0..<m, using: &random)
                let rowCount = Int.random(in: 1...rows - firstRow, using: &random)
                let outputCount = Int.random(in: 1...m - firstOutput, using: &random)
                let part = GuardedArray(count: rowCount * outputCount, of: Float(0))
                unsafe variant.table.pointee.matmul_f32(
                    rowCount, outputCount, k, one.w.pointer + firstOutput * k, one.x.pointer + firstRow * one.xStride,
                    one.xStride, part.pointer, outputCount)
                var expected: [Float] = []
                for row in firstRow..<firstRow + rowCount {
                    expected += whole[row * m + firstOutput..<row * m + firstOutput + outputCount]
                }
                findings.requireSameBits(
                    part.values, expected, "\(variant.isa) rows from \(firstRow) outputs from \(firstOutput)")
            }
        }
        findings.record()
    }
}
