import JSON
import Testing

@testable import Benchmarking

@Suite struct BudgetMixTests {
    @Test func sharesFollowTheWeights() throws {
        let mix = try BudgetMix(parsing: ["3:{\"budget_ratio\": 0.5}", "none"])
        #expect(mix.choices.map(\.weight) == [3, 1])
        #expect(mix.choices[0].kvCache == ["budget_ratio": 0.5] && mix.choices[1].kvCache == nil)
        var first = 0
        for index in 0..<20_000 where mix.choice(of: index, seed: 5) == 0 { first += 1 }
        #expect(abs(Double(first) / 20_000 - 0.75) < 0.01)
    }

    @Test func aSeedGivesTheSameChoices() throws {
        let mix = try BudgetMix(parsing: ["none", "{}", "{\"budget_tokens\": 9}"])
        let choices = { (seed: UInt64) in (0..<50).map { mix.choice(of: $0, seed: seed) } }
        #expect(choices(1) == choices(1) && choices(1) != choices(2))
        #expect(Set(choices(1)) == [0, 1, 2])
    }

    @Test func withoutOptionsNoObjectIsSent() throws {
        #expect(try BudgetMix(parsing: []) == BudgetMix(nil))
    }

    @Test(arguments: ["1", "[1]", "0:{}", "-1:none", "x:{}", "{", "inf:none"])
    func wrongOnesAreRefused(text: String) {
        #expect { try BudgetMix(parsing: [text]) } throws: { "\($0)".contains("--kv-cache") }
    }
}
