/// A rewriting of text before it is split and merged.
enum NormalizerStep: Sendable, Equatable {
    /// Puts a text before each stretch that is not empty.
    case prepend([UInt8])
    /// Replaces every occurrence, from left to right.
    case replace([UInt8], with: [UInt8])
    /// Unicode normalisation form C.
    case composed
}

extension [NormalizerStep] {
    /// The text after all steps.
    func normalize(_ text: [UInt8]) -> [UInt8] {
        guard !text.isEmpty else { return text }
        var text = text
        for step in self {
            switch step {
            case .prepend(let prefix): text = prefix + text
            case .replace(let pattern, let content): text = text.replacing(pattern, content)
            case .composed: text = NormalizationFormC.compose(text)
            }
        }
        return text
    }
}

extension [UInt8] {
    /// Every occurrence of a pattern replaced, from left to right without overlap. An empty pattern occurs nowhere.
    func replacing(_ pattern: [UInt8], _ content: [UInt8]) -> [UInt8] {
        guard let first = pattern.first else { return self }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var place = 0
        while place < count {
            if self[place] == first, occurs(pattern, at: place) {
                result.append(contentsOf: content)
                place += pattern.count
            } else {
                result.append(self[place])
                place += 1
            }
        }
        return result
    }

    /// Whether a pattern stands at a place.
    func occurs(_ pattern: [UInt8], at place: Int) -> Bool {
        guard place + pattern.count <= count else { return false }
        for offset in pattern.indices where self[place + offset] != pattern[offset] { return false }
        return true
    }
}
