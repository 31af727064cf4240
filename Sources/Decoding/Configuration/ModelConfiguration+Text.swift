extension ModelConfiguration {
    /// What reports say about positions: `RoPE theta 500000, llama3 x8`, and how many layers differ.
    public var positionSummary: String {
        summary(of: layers.map { layer in
            switch layer.positions {
            case .rope(let rope): "RoPE theta \(rope.theta.formatted)\(rope.scaling.summary)"
            case .learned: "learned"
            case .alibi(let maximumBias): "ALiBi up to \(maximumBias.formatted)"
            case .none: "none"
            }
        })
    }

    /// What reports say about windows; nil where every layer sees everything.
    public var windowSummary: String? {
        guard layers.contains(where: { $0.window != nil }) else { return nil }
        return summary(of: layers.map { $0.window.map { "\($0) tokens" } ?? "all tokens" })
    }

    private func summary(of texts: [String]) -> String {
        var counts: [(text: String, count: Int)] = []
        for text in texts {
            if let index = counts.firstIndex(where: { $0.text == text }) {
                counts[index].count += 1
            } else {
                counts.append((text, 1))
            }
        }
        guard counts.count > 1 else { return counts.first?.text ?? "" }
        return counts.map { "\($0.text) in \($0.count) layers" }.joined(separator: "; ")
    }
}

extension RotaryEmbedding.Scaling {
    fileprivate var summary: String {
        switch self {
        case .none: ""
        case .linear(let factor): ", linear x\(factor.formatted)"
        case .dynamic(let factor, let original): ", dynamic x\(factor.formatted) from \(original)"
        case .llama3(let factor, _, _, let original): ", llama3 x\(factor.formatted) from \(original)"
        case .yarn(let yarn): ", YaRN x\(yarn.factor.formatted) from \(yarn.originalContext)"
        case .longRoPE(_, _, let original, _): ", LongRoPE from \(original)"
        case .divided: ", a factor for each frequency"
        }
    }
}

extension Double {
    /// Without a fraction where it has none.
    fileprivate var formatted: String { self == rounded() && magnitude < 1e15 ? "\(Int(self))" : "\(self)" }
}
