/// Made-up prose in plain words, for evaluations without a text of their own. It says nothing and repeats its patterns,
/// so a model finds it easier than a book.
enum PlainProse {
    private static let people = [
        "the old miller", "a young sailor", "the schoolmaster", "her brother", "the captain", "my aunt", "the gardener",
        "a tall stranger", "the doctor", "the two children", "an honest farmer", "the widow", "his neighbour",
    ]
    private static let deeds = [
        "walked slowly to", "looked for a long time at", "spoke kindly of", "had often dreamed of", "sat down beside",
        "told them a story about", "turned away from", "could not forget", "came back at night to", "laughed at",
        "knew nothing of", "listened to", "wrote a letter about",
    ]
    private static let things = [
        "the river", "the empty house", "the church on the hill", "a small boat", "the market", "the burning lamp",
        "an open window", "the great forest", "the road to the sea", "his father's garden", "the broken bridge",
        "a letter from London", "the dog by the fire",
    ]
    private static let ends = [
        "before the rain came", "and said no more", "as the sun went down", "while the others slept",
        "with a heavy heart", "for the last time", "without a word", "and it was very cold",
        "because there was nothing else to do",
        "when the clock struck", "though nobody had asked",
    ]
    private static let links = ["", "", "", "Then ", "At last ", "That evening ", "In the morning ", "After a while "]

    /// Sentences joined by blanks, in paragraphs of six.
    static func text(sentences: Int, seed: UInt64) -> String {
        var random = EvaluationRandom(seed: seed, stream: 1)
        var text = ""
        for index in 0..<sentences {
            let link = random.pick(links)
            var sentence = "\(link)\(random.pick(people)) \(random.pick(deeds)) \(random.pick(things))"
            if random.below(3) > 0 { sentence += " \(random.pick(ends))" }
            text += sentence.prefix(1).uppercased() + sentence.dropFirst() + "."
            text += index % 6 == 5 ? "\n" : " "
        }
        return text
    }
}
