import CKernels
import TestSupport
import Testing

/// Products with packed weights of every type.
@Suite struct ProductTests {
    private static let rowCounts = [0, 1, 2, 3, 4, 5, 7, 8, 9, 17]
    private static let outputCounts = [0, 1, 7, 8, 9, 15, 16, 17, 32, 33, 49]

    private static func inputCounts(_ kind: WeightKind) -> [Int] {
        switch kind.block.elements {
        case 1: [0, 1, 7, 31, 64]
        case 32: [0, 32, 64, 96, 288]
        default: [0, 256, 512]
        }
    }

    /// What the activations are: a kind of numbers, or ordinary ones with one that is no number.
    enum Activations: CaseIterable {
        case zeros, denormals, ordinary, large, outlier, oneNaN, oneInfinity

        func values(_ count: Int, using random: inout SeededRandom) -> [Float] {
            let sample: Sample =
                switch self {
                case .zeros: .zeros
                case .denormals: .denormals
                case .ordinary, .oneNaN, .oneInfinity: .ordinary
                case .large: .large
                case .outlier: .outlier
                }
            var values = sample.values(count, using: &random)
            guard count > 0 else { return values }
            if self == .oneNaN { values[Int.random(in: 0..<count, using: &random)] = .nan }
            if self == .oneInfinity { values[Int.random(in: 0..<count, using: &random)] = -.infinity }
            return values
        }
    }

    @Test(arguments: WeightKind.allCases)
    func everyVariantGivesTheScalarBits(_ kind: WeightKind) {
        var random = SeededRandom(seed: 1)
        var findings = Findings()
        var isWild = false
        for rows in Self.rowCounts {
            for m in Self.outputCounts {
                for k in Self.inputCounts(kind) {
                    let sample = Activations.allCases[Int.random(in: 0..<Activations.allCases.count, using: &random)]
                    let bytes =
                        isWild ? kind.wildBytes(m * k, using: &random) : kind.tameBytes(m * k, using: &random)
                    let bias = random.next() & 1 == 0 ? nil : Sample.ordinary.values(m, using: &random)
                    let one = Product(
                        kind, rows: rows, m: m, k: k, bytes: bytes,
                        x: sample.values(Product.activationCount(rows: rows, k: k), using: &random), bias: bias)
                    let expected = one.run(.scalar, &findings)
                    for variant in Variant.others {
                        let what = "\(variant.isa) \(kind) \(rows)x\(m)x\(k) \(sample)\(isWild ? " wild" : "")"
                        findings.requireSameBits(one.run(variant, &findings), expected, what)
                    }
                    isWild.toggle()
                }
            }
        }
        findings.record()
    }

    /// More rows, outputs and columns than the kernels keep near at once.
    @Test(arguments: WeightKind.quantised)
    func largeProductsGiveTheScalarBits(_ kind: WeightKind) {
        var random = SeededRandom(seed: 4)
        var findings = Findings()
        let (m, k) = (331, kind.block.elements == 32 ? 1120 : 1280)
        let bytes = kind.tameBytes(m * k, using: &random)
        for rows in [16, 25, 87] {
            let one = Product(
                kind, rows: rows, m: m, k: k, bytes: bytes,
                x: Sample.ordinary.values(Product.activationCount(rows: rows, k: k), using: &random),
                bias: Sample.ordinary.values(m, using: &random))
            let expected = one.run(.scalar, &findings)
            for variant in Variant.others {
                findings.requireSameBits(one.run(variant, &findings), expected, "\(variant.isa) \(kind) \(rows) rows")
            }
        }
        findings.record()
    }

    /// Half of all block products have the greatest magnitude there is, which no variant may saturate.
    @Test(arguments: WeightKind.quantised)
    func theLargestBlockSumsAreExact(_ kind: WeightKind) {
        var findings = Findings()
        let (m, k) = (17, 512)
        for weight in [UInt8(0x00), 0x7F, 0x80, 0xFF, 0x0F, 0xF0] {
            for sign in [Float(1), -1] {
                var random = SeededRandom(seed: 5)
                var bytes = kind.tameBytes(m * k, using: &random)
                let scaleBytes = kind == .q8_K ? [0, 1, 2, 3] : kind.block.scales.flatMap { [$0, $0 + 1] }
                for at in bytes.indices where !scaleBytes.contains(at % kind.block.bytes) { bytes[at] = weight }
                let one = Product(
                    kind, rows: 5, m: m, k: k, bytes: bytes,
                    x: Array(repeating: 127 * sign, count: Product.activationCount(rows: 5, k: k)))
                let expected = one.run(.scalar, &findings)
                let values = kind.values(Array(bytes.prefix(kind.rowBytes(k))))
                let sum = values.reduce(0) { $0 + Double($1) * 127 * Double(sign) }
                let magnitude = values.reduce(0) { $0 + abs(Double($1)) * 127 } * kind.cancellation
                findings.requireClose(expected[0], sum, bound: 100 * roundoff * magnitude, "\(kind) \(weight)")
                for variant in Variant.others {
                    findings.requireSameBits(one.run(variant, &findings), expected, "\(variant.isa) \(kind) \(weight)")
                }
            }
        }
        findings.record()
    }

    @Test(arguments: WeightKind.allCases)
    func theScalarSumIsWithinItsRoundingErrors(_ kind: WeightKind) {
        var random = SeededRandom(seed: 2)
        var findings = Findings()
        for k in Self.inputCounts(kind) {
            let (rows, m) = (2, 18)
            let bias = Sample.ordinary.values(m, using: &random)
            let one = Product(
                kind, rows: rows, m: m, k: k, bytes: kind.tameBytes(m * k, using: &random),
                x: Sample.ordinary.values(Product.activationCount(rows: rows, k: k), using: &random), bias: bias)
            let found = one.run(.scalar, &findings)
            let weights = kind.values(one.bytes)
            var x = one.x.values.map { Double($0) }
            if !WeightKind.floats.contains(kind) {
                x = one.blocks(.scalar).values.flatMap { block in
                    integers(of: block).map { Double($0) * Double(block.scale) }
                }
            }
            for row in 0..<rows {
                for output in 0..<m {
                    let terms = (0..<k).map { Double(weights[output * k + $0]) * x[row * one.xStride + $0] }
                    // Each sum has at most k + 3 roundings; minimums weigh more than the values.
                    let magnitude = terms.reduce(0) { $0 + abs($1) } * kind.cancellation + 1
                    findings.requireClose(
                        found[row * m + output], terms.reduce(Double(bias[output]), +),
                        bound: Double(k + 4) * roundoff * magnitude, "\(kind) k \(k)")
                }
            }
        }
        findings.record()
    }

    @Test(arguments: WeightKind.allCases)
    func aSumDoesNotDependOnTheRowsAndOutputsAroundIt(_ kind: WeightKind) {
        var random = SeededRandom(seed: 3)
        var findings = Findings()
        let (rows, m, k) = (37, 57, kind.block.elements == 1 ? 133 : 512)
        let one = Product(
            kind, rows: rows, m: m, k: k, bytes: kind.tameBytes(m * k, using: &random),
            x: Sample.ordinary.values(Product.activationCount(rows: rows, k: k), using: &random))
        for variant in [Variant.scalar] + Variant.others {
            let whole = one.run(variant, &findings)
            for _ in 0..<25 {
                let firstRow = Int.random(in: 0..<rows, using: &random)
                let firstOutput = Int.random(in: 0..<m / 16, using: &random) * 16
                let part = firstRow..<Int.random(in: firstRow + 1...rows, using: &random)
                let outputs = firstOutput..<Int.random(in: firstOutput + 1...m, using: &random)
                let expected = part.flatMap { whole[$0 * m + outputs.lowerBound..<$0 * m + outputs.upperBound] }
                let found = one.run(variant, &findings, rows: part, outputs: outputs)
                findings.requireSameBits(found, expected, "\(variant.isa) \(kind) rows \(part) outputs \(outputs)")
            }
        }
        findings.record()
    }
}
