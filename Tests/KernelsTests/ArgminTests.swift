import CKernels
import TestSupport
import Testing

@Suite struct ArgminTests {
    private func argmin(_ variant: Variant, _ x: [Float], _ positions: [Int32]) -> Int {
        let x = GuardedArray(x)
        let positions = GuardedArray(positions)
        return unsafe variant.table.pointee.argmin_newest_f32(x.count, x.pointer, positions.pointer)
    }

    /// The rule in one line per clause.
    private func naive(_ x: [Float], _ positions: [Int32]) -> Int {
        x.indices.min { a, b in
            let (left, right) = (x[a].isNaN ? .infinity : x[a], x[b].isNaN ? .infinity : x[b])
            if left != right { return left < right }
            if positions[a] != positions[b] { return positions[a] > positions[b] }
            return a < b
        } ?? 0
    }

    @Test func theSmallestAndAmongEqualsTheNewestIsFound() {
        var random = SeededRandom(seed: 16)
        var findings = Findings()
        for count in lengths where count > 0 {
            for sample in Sample.allCases {
                for round in 0..<20 {
                    var x = sample.values(count, using: &random)
                    // Few distinct values make many ties; some rounds have NaN and infinity.
                    if round % 2 == 0 { x = x.map { _ in Float(Int.random(in: 0...2, using: &random)) } }
                    if round % 5 == 0 { x[Int.random(in: 0..<count, using: &random)] = .nan }
                    if round % 7 == 0 { x = x.map { _ in random.next() & 1 == 0 ? .nan : .infinity } }
                    let positions = (0..<Int32(count)).shuffled(using: &random)
                    let expected = naive(x, positions)
                    for variant in [Variant.scalar] + Variant.others {
                        let found = argmin(variant, x, positions)
                        findings.require(
                            found == expected, "\(variant.isa) \(sample) \(count): \(found), not \(expected)")
                    }
                }
            }
        }
        findings.record()
    }
}
