/// Blocks of 256.
extension ReferenceQuantisation {
    /// Each part of 32 from its smallest value, or 0, to its largest in 15 steps.
    static func appendQ4K(_ block: [Float], to bytes: inout [UInt8]) {
        let parts = stride(from: 0, to: 256, by: 32).map { block[$0..<$0 + 32] }
        let minimums = parts.map { max(0, -($0.min() ?? 0)) }
        let steps = zip(parts, minimums).map { part, minimum in max(0, (part.max() ?? 0) + minimum) / 15 }
        let (d, scales) = levels(steps, most: 63)
        let (dmin, offsets) = levels(minimums, most: 63)
        append(Float16(d).bitPattern, to: &bytes)
        append(Float16(dmin).bitPattern, to: &bytes)
        for part in 0..<4 { bytes.append(scales[part] | (scales[part + 4] >> 4) << 6) }
        for part in 0..<4 { bytes.append(offsets[part] | (offsets[part + 4] >> 4) << 6) }
        for part in 4..<8 { bytes.append(scales[part] & 15 | (offsets[part] & 15) << 4) }
        let q = (0..<256).map { index -> UInt8 in
            let step = d * Float(scales[index / 32])
            let shifted = block[index] + dmin * Float(offsets[index / 32])
            return step > 0 ? UInt8(min(15, max(0, (shifted / step).rounded()))) : 0
        }
        for chunk in 0..<4 {
            for index in 0..<32 { bytes.append(q[64 * chunk + index] | q[64 * chunk + 32 + index] << 4) }
        }
    }

    /// Each 16 values in steps of a 31st of the largest magnitude.
    static func appendQ6K(_ block: [Float], to bytes: inout [UInt8]) {
        let steps = stride(from: 0, to: 256, by: 16).map { start in
            (block[start..<start + 16].map(\.magnitude).max() ?? 0) / 31
        }
        let (d, scales) = levels(steps, most: 127)
        let q = (0..<256).map { index -> UInt8 in
            let step = d * Float(scales[index / 16])
            return step > 0 ? UInt8(min(63, max(0, (block[index] / step).rounded() + 32))) : 32
        }
        var low = [UInt8](repeating: 0, count: 128)
        var high = [UInt8](repeating: 0, count: 64)
        for index in 0..<256 {
            let (half, part, at) = (index / 128, index / 32 % 4, index % 32)
            low[64 * half + 32 * (part % 2) + at] |= (q[index] & 15) << (4 * (part / 2))
            high[32 * half + at] |= (q[index] >> 4) << (2 * part)
        }
        bytes += low + high + scales
        append(Float16(d).bitPattern, to: &bytes)
    }

    /// Non-negative numbers as multiples up to `most` of one f16 number.
    static func levels(_ values: [Float], most: Float) -> (unit: Float, levels: [UInt8]) {
        let unit = Float(Float16((values.max() ?? 0) / most))
        return (unit, values.map { unit > 0 ? UInt8(min(most, ($0 / unit).rounded())) : 0 })
    }

    static func valuesOfQ4K(_ bytes: [UInt8]) -> [Float] {
        let (d, dmin) = (half(bytes, at: 0), half(bytes, at: 2))
        let packed = Array(bytes[4..<16])
        return (0..<256).map { index in
            let part = index / 32
            var (scale, minimum) = (packed[part] & 63, packed[part + 4] & 63)
            if part >= 4 {
                scale = packed[part + 4] & 15 | (packed[part - 4] >> 6) << 4
                minimum = packed[part + 4] >> 4 | (packed[part] >> 6) << 4
            }
            let byte = bytes[16 + 32 * (index / 64) + index % 32]
            let q = index % 64 < 32 ? byte & 15 : byte >> 4
            return d * Float(scale) * Float(q) - dmin * Float(minimum)
        }
    }

    static func valuesOfQ6K(_ bytes: [UInt8]) -> [Float] {
        let d = half(bytes, at: 208)
        return (0..<256).map { index in
            let (half, part, at) = (index / 128, index / 32 % 4, index % 32)
            let low = bytes[64 * half + 32 * (part % 2) + at] >> UInt8(4 * (part / 2)) & 15
            let high = bytes[128 + 32 * half + at] >> (2 * part) & 3
            return d * Float(Int8(bitPattern: bytes[192 + index / 16])) * Float(Int(low | high << 4) - 32)
        }
    }

    static func half(_ bytes: [UInt8], at index: Int) -> Float {
        Float(Float16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8))
    }
}
