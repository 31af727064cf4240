import Testing

@testable import Sampling

@Suite struct SeededGeneratorTests {
    /// From the definition in the type's comment, computed apart in Python.
    @Test(arguments: [
        (UInt64(0), 0, [0.8833108082136426, 0.43152799704850997, 0.026433771592597743]),
        (42, 0, [0.5961188718302076, 0.1603653875985772, 0.16639780398145976]),
        (42, 1, [0.9662845486161331, 0.2616750813861537, 0.3222635891550246]),
        (.max, 1, [0.8833108082136426, 0.43152799704850997, 0.026433771592597743]),
    ])
    func numbersFollowTheDefinition(seed: UInt64, choice: Int, expected: [Double]) {
        let generator = SeededGenerator(seed: seed, choice: choice)
        #expect((0..<3).map { generator.uniform($0) } == expected)
    }

    @Test func choiceOfASeedIsTheNextSeed() {
        for choice in 0..<50 {
            let left = SeededGenerator(seed: 7, choice: choice).uniform(3)
            let right = SeededGenerator(seed: 7 + UInt64(choice), choice: 0).uniform(3)
            #expect(left == right)
        }
    }

    @Test func numbersAreUniform() {
        var counts = [Int](repeating: 0, count: 20)
        let generator = SeededGenerator(seed: 5, choice: 0)
        for index in UInt64(0)..<20_000 { counts[Int(generator.uniform(index) * 20)] += 1 }
        let chiSquare = counts.reduce(0.0) { $0 + (Double($1) - 1000) * (Double($1) - 1000) / 1000 }
        // 19 degrees of freedom: 43.8 has probability 0.001.
        #expect(chiSquare < 43.8)
    }
}
