import CKernels
import TestSupport
import Testing

@Suite struct ArgminTests {
    private func argmin(
        _ variant: Variant, _ x: [Float], _ positions: [Int32], _ candidates: ClosedRange<Int32>
    ) -> Int {
        let x = GuardedArray(x)
        let positions = GuardedArray(positions)
        return unsafe variant.table.pointee.argmin_newest_f32(
            x.count, x.pointer, positions.pointer, candidates.lowerBound, candidates.upperBound)
    }

    /// The rule in one line per clause.
    private func naive(_ x: [Float], _ positions: [Int32], _ candidates: ClosedRange<Int32>) -> Int {
        x.indices.filter { candidates.contains(positions[$0]) }.min { a, b in
            let (left, right) = (x[a].isNaN ? .infinity : x[a], x[b].isNaN ? .infinity : x[b])
            if left != right { return left < right }
            return positions[a] > positions[b]
        } ?? x.count
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
                    let lowest = Int32.random(in: 0...Int32(count / 3), using: &random)
                    let candidates = lowest...Int32.random(in: lowest...Int32(count), using: &random)
                    let expected = naive(x, positions, candidates)
                    for variant in [Variant.scalar] + Variant.others {
                        let found = argmin(variant, x, positions, candidates)
                        findings.require(
                            found == expected, "\(variant.isa) \(sample) \(count): \(found), not \(expected)")
                    }
                }
            }
        }
        findings.record()
    }
}
