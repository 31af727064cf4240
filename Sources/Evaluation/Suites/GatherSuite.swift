internal import Generation
internal import Tokenization

/// All facts scattered over a long text are to be listed: a summary whose reference is known.
struct GatherSuite: EvaluationSuite {
    let kind: SuiteKind
    let traits: [String: [Int]]
    private let texts: [Text]
    private let tokenizer: Tokenizer

    private struct Text {
        let context: [TokenID]
        let instruction: [TokenID]
        /// Room for the list and a little more.
        let answerTokens: Int
        let reference: String
    }

    var inputCount: Int { texts.count }

    init(_ kind: SuiteKind, settings: EvaluationSettings, builder: PassageBuilder) throws(EvaluationError) {
        self.kind = kind
        tokenizer = builder.wording.tokenizer
        var random = EvaluationRandom(seed: settings.seed, stream: 40)
        var texts: [Text] = []
        for _ in 0..<settings.gatherTexts {
            let facts = FactWording.facts(settings.gatherFacts, digits: settings.codeDigits, random: &random)
            // One fact in each equal part of the text, so that the list's order is the text's.
            let width = 1 / Double(facts.count)
            var inserts: [PassageBuilder.Insert] = []
            for (index, fact) in facts.enumerated() {
                let place = random.place(in: Double(index) * width..<Double(index + 1) * width)
                inserts.append(.init(tokens: builder.wording.statement(fact, random: &random), place: place))
            }
            let passage = try builder.passage(length: settings.contextTokens, inserts: inserts, random: &random)
            let (instruction, answer) = builder.wording.list(facts)
            texts.append(
                Text(
                    context: passage.tokens, instruction: instruction, answerTokens: answer.count + 4,
                    reference: Self.words(FactWording.listText(facts))))
        }
        self.texts = texts
        traits = ["facts": texts.map { _ in settings.gatherFacts }]
    }

    func measure(
        _ cases: [EvaluationCase], runner: PolicyRunner, progress: (Double) -> Void
    ) throws(EvaluationError) -> [SuiteOutcome] {
        let prompts = texts.map { text in
            kind.isVisible
                ? (tokens: ArraySlice(text.context + text.instruction), newTokens: text.answerTokens)
                : (tokens: ArraySlice(text.context), newTokens: text.instruction.count + text.answerTokens)
        }
        // By case and text.
        var written = [[[TokenID]]](repeating: .init(repeating: [], count: texts.count), count: cases.count)
        let inputs = try inputs(prompts, cases, runner)
        runner.run(inputs, progress: progress) { place, step, logits in
            let text = texts[place.input]
            let fed = kind.isVisible ? 0 : text.instruction.count
            guard step >= fed else { return text.instruction[step] }
            let token = TokenID(Distribution.best(of: logits))
            // The list is one line.
            let endsLine = tokenizer.bytes(of: token).contains(UInt8(ascii: "\n"))
            guard !tokenizer.eosTokens.contains(token), !endsLine else { return nil }
            written[place.plan][place.input].append(token)
            return token
        }
        return cases.indices.map { index in
            let scores = zip(texts, written[index]).map { text, list in
                RougeScore(
                    candidate: Self.words(tokenizer.decode(list, skipSpecial: true)), reference: text.reference)
            }
            return SuiteOutcome(
                values: [
                    .rouge1: scores.map(\.rouge1.f), .rouge2: scores.map(\.rouge2.f), .rougeL: scores.map(\.rougeL.f),
                ],
                cost: .init(of: inputs, plan: index))
        }
    }

    /// The list without its commas.
    private static func words(_ list: String) -> String { list.replacing(",", with: " ") }
}
