import Generation

/// Logits that depend on the tokens of a sequence and on nothing else.
struct FakeModel: Sendable {
    /// Added to the logits of EOS tokens: larger ends sequences earlier.
    var eosBias: Float = 0
    /// When set, the model says these tokens one after the other whatever it is fed, then starts over.
    var script: [TokenID]?

    /// Row of logits after `tokens`, of which the first `promptCount` are the prompt.
    func logits(after tokens: [TokenID], promptCount: Int) -> [Float] {
        if let script {
            var logits = [Float](repeating: 0, count: TinyVocabulary.size)
            logits[Int(script[(tokens.count - promptCount) % script.count])] = 30
            return logits
        }
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for token in tokens { hash = Self.mixed(hash ^ UInt64(UInt32(bitPattern: token))) }
        var logits = [Float](repeating: 0, count: TinyVocabulary.size)
        for index in logits.indices {
            let noise = Self.mixed(hash &+ UInt64(index) &* 0xBF58_476D_1CE4_E5B9)
            logits[index] = Float(noise >> 40) / Float(1 << 24) * 8
            // Words are likelier than bytes, so that texts have something to stop at.
            if index >= Int(TinyVocabulary.firstWord) { logits[index] += 4 }
        }
        logits[Int(TinyVocabulary.eos)] += eosBias
        logits[Int(TinyVocabulary.endOfTurn)] += eosBias
        return logits
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
