internal import Tensors

/// How random blocks of a quantised type are drawn: scales and minimums of parts are the same everywhere, codes uniform
/// among all that the type has.
struct RandomBlock {
    /// The bytes of a block, one kind after the other.
    enum Piece {
        /// The scale `d` as f16, or its negative; with `times`, so often d, as f16 and always positive.
        case scale
        case minimum(times: Float)
        /// The scale as f32.
        case wideScale
        case bytes([UInt8])
        /// So many bytes of random bits.
        case codes(Int)
        /// So many bytes of int8 that are not -128.
        case signedBytes(Int)
        /// So many bytes of four 2-bit codes below 3, or of five digits in base 3.
        case ternaryPairs(Int), ternaryDigits(Int)
        case zeros(Int)
    }

    let pieces: [Piece]
    /// The standard deviation of values where d is 1.
    let unitDeviation: Float

    init(_ type: WeightType) {
        // A uniform code of n levels deviates by √((n² - 1) / 12) from its mean.
        func uniform(_ levels: Float) -> Float { ((levels * levels - 1) / 12).squareRoot() }
        // The same from `levels / 2`, half a level from the mean.
        func around(_ levels: Float) -> Float { (uniform(levels) * uniform(levels) + 0.25).squareRoot() }
        // The table of IQ4 deviates by that from 0.
        let table: Float = 67.439
        // Scale and minimum 32 for each of 8 parts, as the K types pack them.
        let k = Piece.bytes([UInt8](repeating: 0xA0, count: 8) + [0, 0, 0, 0])
        (pieces, unitDeviation) =
            switch type {
            case .q4_0: ([.scale, .codes(16)], around(16))
            case .q4_1: ([.scale, .minimum(times: -7.5), .codes(16)], uniform(16))
            case .q5_0: ([.scale, .codes(20)], around(32))
            case .q5_1: ([.scale, .minimum(times: -15.5), .codes(20)], uniform(32))
            case .iq4_nl: ([.scale, .codes(16)], table)
            // Scale 10 and minimum 15 for each 16 elements.
            case .q2_k:
                ([.bytes([UInt8](repeating: 0xFA, count: 16)), .codes(64), .scale, .minimum(times: 1)], 10 * uniform(4))
            // All scales are 48 - 32.
            case .q3_k:
                ([.codes(96), .zeros(8), .bytes([255, 255, 255, 255]), .scale], 16 * around(8))
            case .q4_k: ([.scale, .minimum(times: 7.5), k, .codes(128)], 32 * uniform(16))
            case .q5_k: ([.scale, .minimum(times: 15.5), k, .codes(160)], 32 * uniform(32))
            case .q6_k: ([.codes(192), .bytes([UInt8](repeating: 32, count: 16)), .scale], 32 * around(64))
            case .q8_k: ([.wideScale, .signedBytes(256), .zeros(32)], uniform(255))
            case .iq4_xs: ([.scale, .bytes([255, 255]), .zeros(4), .codes(128)], 16 * table)
            case .tq1_0: ([.ternaryDigits(52), .scale], uniform(3))
            case .tq2_0: ([.ternaryPairs(64), .scale], uniform(3))
            default: ([.scale, .signedBytes(32)], uniform(255))
            }
    }

    /// Whether a minimum goes with the scale, so that it may not change its sign.
    private var hasMinimum: Bool {
        pieces.contains { piece in
            if case .minimum = piece { true } else { false }
        }
    }

    func append(deviation: Float, from random: inout WeightRandom, to bytes: inout [UInt8]) {
        let d = Float(Float16(deviation / unitDeviation))
        let sign: Float = hasMinimum || random.next() >> 63 == 0 ? 1 : -1
        for piece in pieces {
            switch piece {
            case .scale: bytes.append(littleEndian: Float16(sign * d).bitPattern)
            case .minimum(let times): bytes.append(littleEndian: Float16(times * d).bitPattern)
            case .wideScale: bytes.append(littleEndian: (sign * deviation / unitDeviation).bitPattern)
            case .bytes(let fixed): bytes += fixed
            case .zeros(let count): bytes += repeatElement(0, count: count)
            case .codes(let count):
                for _ in 0..<count / 4 { bytes.append(littleEndian: UInt32(truncatingIfNeeded: random.next() >> 16)) }
            case .signedBytes(let count):
                for _ in 0..<count / 8 { bytes.append(littleEndian: random.signedBytes()) }
            case .ternaryPairs(let count):
                for _ in 0..<count {
                    let number = (Int(random.next() >> 40) * 81) >> 24
                    let digits = [number % 3, number / 3 % 3, number / 9 % 3, number / 27]
                    bytes.append(UInt8(digits.reversed().reduce(0) { $0 * 4 + $1 }))
                }
            case .ternaryDigits(let count):
                for _ in 0..<count { bytes.append(UInt8((((Int(random.next() >> 40) * 243) >> 24) * 256 + 242) / 243)) }
            }
        }
    }
}
