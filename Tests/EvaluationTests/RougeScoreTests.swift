import JSON
import TestSupport
import Testing

@testable import Evaluation

@Suite struct RougeScoreTests {
    /// Candidate: the cat sat on the mat. Reference: the cat lay on a mat.
    /// Distinct words: 5 and 6, common the cat on mat = 4. Bigrams: 5 and 5, common "the cat" = 1.
    /// Longest common subsequence: the cat on mat = 4 of 6 and 6 words.
    @Test func scoresAreTheHandComputedOnes() {
        let score = RougeScore(candidate: "the cat sat on the mat", reference: "the cat lay on a mat")
        #expect(score.rouge1.precision == 4.0 / 5)
        #expect(score.rouge1.recall == 4.0 / 6)
        #expect(abs(score.rouge1.f - 8.0 / 11) < 1e-12)
        #expect(score.rouge2.precision == 1.0 / 5)
        #expect(score.rouge2.recall == 1.0 / 5)
        #expect(abs(score.rougeL.f - 4.0 / 6) < 1e-12)
    }

    /// Only ROUGE-L looks at order: two of four words stand in the same order.
    @Test func orderCountsForTheSubsequenceAlone() {
        let score = RougeScore(candidate: "c d a b", reference: "a b c d")
        #expect(score.rouge1.f == 1)
        #expect(score.rouge2.precision == 2.0 / 3)
        #expect(score.rougeL.precision == 0.5)
    }

    @Test func equalTextsScoreOneAndForeignOrEmptyOnesZero() {
        let same = RougeScore(candidate: " Ann 1  Ben 2", reference: "Ann 1 Ben 2\n")
        #expect([same.rouge1.f, same.rouge2.f, same.rougeL.f] == [1, 1, 1])
        for (candidate, reference) in [("a b", "c d"), ("", "c d"), ("a", ""), ("", "")] {
            let score = RougeScore(candidate: candidate, reference: reference)
            #expect([score.rouge1.f, score.rouge2.f, score.rougeL.f] == [0, 0, 0])
        }
    }

    /// Against the recorded scores of the Python package; its F has 1e-8 in the denominator.
    @Test func recordedVectorsAreReproduced() throws {
        guard let path = TestFiles.sharedFile("data/rouge_vectors/data.json", for: "ROUGE vectors"),
            let bytes = TestFiles.bytes(of: path)
        else { return }
        let cases = try #require(JSONValue(parsing: bytes, limits: .file).asArray)
        #expect(cases.count == 4)
        for entry in cases {
            let object = try #require(entry.asObject)
            let score = RougeScore(
                candidate: try #require(object["hyp"]?.asString), reference: try #require(object["ref"]?.asString))
            for (name, part) in [("rouge-1", score.rouge1), ("rouge-2", score.rouge2), ("rouge-l", score.rougeL)] {
                let wanted = try #require(object["scores"]?.asObject?[name]?.asObject)
                for (key, value) in [("p", part.precision), ("r", part.recall), ("f", part.f)] {
                    let expected = try #require(wanted[key]?.asDouble)
                    #expect(abs(value - expected) < 1e-7, "\(name) \(key)")
                }
            }
        }
    }
}
