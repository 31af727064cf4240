internal import Generation
internal import Tokenization

/// Facts, questions and lists as token ids, in the words that the built-in model was trained on.
struct FactWording: Sendable {
    /// One thing to remember.
    struct Fact: Sendable, Equatable {
        let name: String
        let code: String
    }

    /// Short first names; single tokens of the built-in model.
    static let names = [
        "Ann", "Ben", "Tom", "Max", "Eve", "Ida", "Joe", "Kay", "Leo", "Mia", "Ned", "Amy", "Zoe", "Roy", "Sam", "Dan",
        "Tim", "Jim", "Kim", "Lee", "Ray", "Ron", "Sue", "Ted", "Una", "Val", "Vic", "Wes", "Abe", "Ali", "Ava", "Bob",
        "Cal", "Dot", "Eli", "Fay", "Gil", "Guy", "Hal", "Ian", "Ivy", "Jan", "Jay", "Jon", "Ken", "Lou", "Mae", "Meg",
        "Nan", "Nat", "Nell", "Otto", "Pam", "Pat", "Peg", "Rex", "Rob", "Rod", "Ruth", "Sal", "Sid", "Tess", "Wim",
        "Zeb",
    ]

    let tokenizer: Tokenizer

    /// What stands before every text: BOS where the model wants it, also where the same token ends texts.
    var prefix: [TokenID] {
        tokenizer.encode("", addSpecial: true, parseSpecial: false).filter { token in
            token == tokenizer.bosToken || !tokenizer.eosTokens.contains(token)
        }
    }

    /// `count` facts with different names and codes of `digits` digits.
    static func facts(_ count: Int, digits: Int, random: inout EvaluationRandom) -> [Fact] {
        random.sample(names, count).map { name in
            Fact(name: name, code: String((0..<digits).map { _ in random.pick(Array("0123456789")) }))
        }
    }

    /// The fact stated within prose.
    func statement(_ fact: Fact, random: inout EvaluationRandom) -> [TokenID] {
        let text =
            random.below(5) < 3
            ? " The code of \(fact.name) is \(fact.code)." : " Remember: the code of \(fact.name) is \(fact.code)."
        return tokens(text)
    }

    /// The question up to where the answer starts, and the answer's tokens.
    func question(_ fact: Fact) -> (head: [TokenID], answer: [TokenID]) {
        let head = "\nQuestion: What is the code of \(fact.name)?\nAnswer: The code of \(fact.name) is "
        return split(head: head, whole: head + fact.code)
    }

    /// Asked and answered, as text that goes on.
    func asked(_ fact: Fact) -> [TokenID] {
        let (head, answer) = question(fact)
        return head + answer + tokens(".")
    }

    /// The instruction to list all facts, and the list.
    func list(_ facts: [Fact]) -> (head: [TokenID], answer: [TokenID]) {
        let head = "\nList all codes:"
        return split(head: head, whole: head + Self.listText(facts))
    }

    /// The list as text: ` Ann 48213, Ben 11111,`.
    static func listText(_ facts: [Fact]) -> String {
        facts.map { " \($0.name) \($0.code)," }.joined()
    }

    /// Where head and answer meet, tokens may join, so both are read as one text and cut where they part.
    private func split(head: String, whole: String) -> (head: [TokenID], answer: [TokenID]) {
        let open = tokens(head)
        let all = tokens(whole)
        let common = zip(open, all).prefix { $0 == $1 }.count
        return (Array(all[..<common]), Array(all[common...]))
    }

    /// Text in the middle of other text. A tokenizer that puts a space before each text gets none from us.
    private func tokens(_ text: String) -> [TokenID] {
        let isDoubled = tokenizer.addsLeadingSpace && text.first == " "
        return tokenizer.encode(isDoubled ? String(text.dropFirst()) : text, addSpecial: false, parseSpecial: false)
    }
}
