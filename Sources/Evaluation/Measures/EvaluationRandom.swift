internal import Sampling

/// Numbers for inputs and resampling: stream `stream` of a seed, the same on every machine.
struct EvaluationRandom {
    private let generator: SeededGenerator
    private var drawn: UInt64 = 0

    /// The odd factor keeps the streams of neighbouring seeds apart.
    init(seed: UInt64, stream: Int) {
        generator = SeededGenerator(seed: seed &* 0xD134_2543_DE82_EF95, choice: stream)
    }

    /// Uniform in 0..<count.
    mutating func below(_ count: Int) -> Int {
        precondition(count > 0, "nothing to draw from")
        defer { drawn += 1 }
        return min(count - 1, Int(generator.uniform(drawn) * Double(count)))
    }

    /// One of the elements.
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// The first `count` elements of a random order.
    mutating func sample<Element>(_ elements: [Element], _ count: Int) -> [Element] {
        var rest = elements
        return (0..<min(count, elements.count)).map { _ in rest.remove(at: below(rest.count)) }
    }
}
