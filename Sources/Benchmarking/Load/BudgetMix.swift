public import JSON

/// The `kv_cache` objects that requests carry, each with its share of them.
public struct BudgetMix: Sendable, Equatable {
    struct Choice: Sendable, Equatable {
        let weight: Double
        /// Nil sends none.
        let kvCache: JSONValue?

        /// What tables and reports call it.
        var name: String { kvCache.map { String(decoding: $0.serialized(), as: UTF8.self) } ?? "none" }
    }

    let choices: [Choice]

    /// Every request with the same object, or with none.
    public init(_ kvCache: JSONValue?) { choices = [Choice(weight: 1, kvCache: kvCache)] }

    /// From options: a JSON object each, with `WEIGHT:` before it where shares differ. `none` sends no object.
    public init(parsing texts: [String]) throws(BenchmarkError) {
        var choices: [Choice] = []
        for text in texts {
            var (weight, rest) = (1.0, text[...])
            if let colon = text.firstIndex(of: ":"), let number = Double(text[..<colon]) {
                (weight, rest) = (number, text[text.index(after: colon)...])
            }
            var kvCache: JSONValue?
            if rest != "none" {
                kvCache = try? JSONValue(parsing: Array(rest.utf8), limits: .request)
                guard kvCache?.asObject != nil else { throw .badObject(option: "--kv-cache", text: text) }
            }
            guard weight > 0, weight.isFinite else {
                throw .badNumber(option: "--kv-cache", text: text, allowed: "a weight above 0 before the colon")
            }
            choices.append(Choice(weight: weight, kvCache: kvCache))
        }
        self.choices = choices.isEmpty ? [Choice(weight: 1, kvCache: nil)] : choices
    }

    /// The choice of request `index`: drawn by weight, the same for the same seed.
    func choice(of index: Int, seed: UInt64) -> Int {
        guard choices.count > 1 else { return 0 }
        var random = WeightRandom(seed: seed ^ 0x6D69_7865_6400, stream: index)
        let total = choices.reduce(0) { $0 + $1.weight }
        var place = Double(random.next() >> 11) * 0x1p-53 * total
        for (index, choice) in choices.enumerated() {
            if place < choice.weight { return index }
            place -= choice.weight
        }
        return choices.count - 1
    }
}
