/// Inputs of a suite that are alike: asked from about the same distance, or with as many facts in the text.
struct TraitGroup: Sendable, Equatable {
    /// Name in `traits`.
    let trait: String
    let range: ClosedRange<Int>
    /// Head of its column.
    let title: String
}

extension EvaluationReport {
    /// Thirds of the farthest distance, then numbers of facts; none for suites that ask from no distance.
    func groups(of suite: SuiteKind) -> [TraitGroup] {
        guard let distances = traits[suite]?["distance"], let facts = traits[suite]?["facts"],
            let farthest = distances.max()
        else { return [] }
        let third = max(1, farthest / 3)
        let far = 2 * third + 1
        return [
            TraitGroup(trait: "distance", range: 0...third, title: "to \(third) tokens back"),
            TraitGroup(trait: "distance", range: third + 1...max(third + 1, far - 1), title: "to \(far - 1)"),
            TraitGroup(trait: "distance", range: far...max(far, farthest), title: "to \(farthest)"),
        ]
            + Set(facts).sorted().map {
                TraitGroup(trait: "facts", range: $0...$0, title: "\($0) fact\($0 == 1 ? "" : "s")")
            }
    }
}
