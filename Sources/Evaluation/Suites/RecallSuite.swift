internal import Generation

/// One fact of several is asked for at the end of a long text. Right means that greedy decoding gives all digits.
struct RecallSuite: EvaluationSuite {
    let kind: SuiteKind
    let traits: [String: [Int]]
    private let texts: [Text]

    /// A text, the question up to the answer, and the answer.
    private struct Text {
        let context: [TokenID]
        let question: [TokenID]
        let answer: [TokenID]
        /// Tokens from the fact's last mention to the answer.
        let distance: Int
        let factCount: Int
    }

    /// The thirds of the text where the fact is mentioned last; inputs take turns.
    private static let zones: [Range<Double>] = [0.02..<0.33, 0.33..<0.66, 0.66..<0.97]

    var inputCount: Int { texts.count }

    init(_ kind: SuiteKind, settings: EvaluationSettings, builder: PassageBuilder) throws(EvaluationError) {
        self.kind = kind
        // The same stream with the question hidden and visible: the same texts.
        var random = EvaluationRandom(seed: settings.seed, stream: kind.isHot ? 30 : 20)
        var texts: [Text] = []
        for index in 0..<settings.recallTexts {
            let zone = Self.zones[index % Self.zones.count]
            let count = settings.factCounts[index / Self.zones.count % settings.factCounts.count]
            texts.append(
                try Self.text(kind, zone: zone, factCount: count, settings: settings, builder, random: &random))
        }
        self.texts = texts
        traits = ["distance": texts.map(\.distance), "facts": texts.map(\.factCount)]
    }

    private static func text(
        _ kind: SuiteKind, zone: Range<Double>, factCount: Int, settings: EvaluationSettings, _ builder: PassageBuilder,
        random: inout EvaluationRandom
    ) throws(EvaluationError) -> Text {
        let wording = builder.wording
        let facts = FactWording.facts(factCount, digits: settings.codeDigits, random: &random)
        let last = random.place(in: zone)
        let first = kind.isHot ? random.place(in: 0..<last) : last
        var inserts = [PassageBuilder.Insert(tokens: wording.statement(facts[0], random: &random), place: first)]
        for fact in facts.dropFirst() {
            inserts.append(.init(tokens: wording.statement(fact, random: &random), place: random.place(in: 0..<1)))
        }
        if kind.isHot { inserts.append(.init(tokens: wording.asked(facts[0]), place: last)) }
        let passage = try builder.passage(length: settings.contextTokens, inserts: inserts, random: &random)
        let (question, answer) = wording.question(facts[0])
        let end = kind.isHot ? passage.ends[inserts.count - 1] : passage.ends[0]
        return Text(
            context: passage.tokens, question: question, answer: answer,
            distance: passage.tokens.count - end + question.count, factCount: factCount)
    }

    func measure(
        _ cases: [EvaluationCase], runner: PolicyRunner, progress: (Double) -> Void
    ) throws(EvaluationError) -> [SuiteOutcome] {
        let prompts = texts.map { text in
            kind.isVisible
                ? (tokens: ArraySlice(text.context + text.question), newTokens: text.answer.count)
                : (tokens: ArraySlice(text.context), newTokens: text.question.count + text.answer.count)
        }
        // Digits by case and text.
        var right = [[Int]](repeating: .init(repeating: 0, count: texts.count), count: cases.count)
        let inputs = try inputs(prompts, cases, runner)
        runner.run(inputs, progress: progress) { place, step, logits in
            let text = texts[place.input]
            let fed = kind.isVisible ? 0 : text.question.count
            guard step >= fed else { return text.question[step] }
            // Feeding the right token after a wrong one leaves `exact` as it is, which asks for all of them.
            let expected = text.answer[step - fed]
            if Distribution.best(of: logits) == Int(expected) { right[place.plan][place.input] += 1 }
            return expected
        }
        return cases.indices.map { index in
            let shares = zip(right[index], texts).map { Double($0) / Double($1.answer.count) }
            return SuiteOutcome(
                values: [.exact: shares.map { $0 == 1 ? 1 : 0 }, .digits: shares],
                cost: .init(of: inputs, plan: index))
        }
    }
}
