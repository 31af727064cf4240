import TestSupport

/// Kinds of numbers that arithmetic goes wrong on.
enum Sample: CaseIterable {
    case zeros, denormals, ordinary, large, outlier

    /// `count` values: signed zeros; subnormals; between -1 and 1; of magnitude 10^15; small but for one of 10^6.
    func values(_ count: Int, using random: inout SeededRandom) -> [Float] {
        var values = (0..<count).map { _ in
            switch self {
            case .zeros: random.next() & 1 == 0 ? 0 : -Float(0)
            case .denormals: Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) & 0x807F_FFFF)
            case .ordinary: Float.random(in: -1...1, using: &random)
            case .large: Float.random(in: 0.5...1, using: &random) * (random.next() & 1 == 0 ? 1e15 : -1e15)
            case .outlier: Float.random(in: -0.001...0.001, using: &random)
            }
        }
        if self == .outlier, count > 0 { values[Int.random(in: 0..<count, using: &random)] = 1e6 }
        return values
    }
}

/// Lengths around the width of a register and of a block, and real sizes.
let lengths = [0, 1, 7, 8, 9, 31, 32, 33, 64, 80, 128, 1000]
