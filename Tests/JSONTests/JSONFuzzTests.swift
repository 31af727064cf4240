import JSON
import TestSupport
import Testing

@Suite struct JSONFuzzTests {
    private let corpus = [
        #"{"model":"m","prompt":["a\u00e9\ud83d\ude00","b"],"max_tokens":16,"temperature":0.75,"x":null}"#,
        #"[[[[1,-2.5e-3,true,false,null,"\"\\\/\b\f\n\r\t"]]],{"a":{"b":{"c":{}}}},9223372036854775807]"#,
        "\"é😀\u{2028}\"", "-0.0",
    ].map { Array($0.utf8) }

    /// Whatever the bytes: a value that survives writing and parsing, or an error with a position inside the text.
    @Test func mutatedTextsGiveAValueOrAnError() {
        var generator = SeededRandom(seed: 2)
        let budget = FuzzBudget()
        var accepted = 0
        var refused = 0
        while budget.isLeft {
            let text = mutated(corpus.randomElement(using: &generator) ?? [], using: &generator)
            if let complaint = brokenPromise(text, &accepted, &refused) {
                Issue.record("\(complaint): \(text)")
                return
            }
        }
        budget.report("JSON: \(accepted) texts parsed, \(refused) refused,")
        #expect(accepted > 0 && refused > 0)
    }

    private func brokenPromise(_ text: [UInt8], _ accepted: inout Int, _ refused: inout Int) -> String? {
        do {
            let value = try JSONValue(parsing: text, limits: .request)
            accepted += 1
            let again = try JSONValue(parsing: value.serialized(), limits: .request)
            return again == value ? nil : "value changed by writing"
        } catch {
            refused += 1
            guard (0...text.count).contains(error.byteOffset), error.line >= 1, error.column >= 1 else {
                return "position \(error.line):\(error.column) (\(error.byteOffset))"
            }
            return error.description.utf8.count < 400 ? nil : "long description"
        }
    }

    private func mutated(_ text: [UInt8], using generator: inout SeededRandom) -> [UInt8] {
        var text = text
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...text.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0 where place < text.count: text[place] = .random(in: 0...255, using: &generator)
            case 1 where place < text.count: text.remove(at: place)
            case 2: text.insert(Array("[]{},:\"\\0-.eEu".utf8).randomElement(using: &generator) ?? 0, at: place)
            case 3: text.removeSubrange(place...)
            default:
                let start = Int.random(in: 0...place, using: &generator)
                text.insert(contentsOf: text[start..<place], at: place)
            }
        }
        return text
    }
}
