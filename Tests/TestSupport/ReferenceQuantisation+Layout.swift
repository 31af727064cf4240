import Tensors

/// Types that `BlockLayout` describes, and TQ1_0.
extension ReferenceQuantisation {
    /// The values of one block.
    static func values(ofBlock bytes: [UInt8], _ type: DType) -> [Float] {
        if type == .tq1_0 { return valuesOfTQ1(bytes) }
        let layout = BlockLayout(type: type)
        let d = type == .q8_k ? single(bytes) : half(bytes, at: layout.unit.d)
        let dmin = layout.unit.minimum.map { half(bytes, at: $0) } ?? 0
        return (0..<type.blockElements).map { index in
            let part = index / layout.partElements
            let code = BlockLayout.read(layout.code(index), in: bytes)
            if type == .q8_k { return d * Float(Int8(truncatingIfNeeded: code)) }
            let scalePlaces = layout.scale(part)
            let scale =
                scalePlaces.isEmpty
                ? d : d * Float(BlockLayout.read(scalePlaces, in: bytes) - layout.scaleZero)
            if let table = layout.table { return scale * table[code] }
            let value = scale * Float(code - layout.zero)
            guard layout.unit.minimum != nil else { return value }
            guard !scalePlaces.isEmpty else { return value + dmin }
            return value - dmin * Float(BlockLayout.read(layout.minimum(part), in: bytes))
        }
    }

    /// One block, encoded in the plainest way.
    static func block(of values: [Float], _ type: DType) -> [UInt8] {
        if type == .tq1_0 { return blockOfTQ1(values) }
        let layout = BlockLayout(type: type)
        var bytes = [UInt8](repeating: 0, count: type.blockBytes)
        let parts = stride(from: 0, to: values.count, by: layout.partElements).map {
            Array(values[$0..<$0 + layout.partElements])
        }
        let steps = parts.map { step(of: $0, layout) }
        let minimums = parts.map { part in layout.unit.minimum == nil ? 0 : part.min() ?? 0 }
        var (d, scales): (Float, [UInt8]) = (steps[0], [])
        var (dmin, offsets): (Float, [UInt8]) = (minimums[0], [])
        if !layout.scale(0).isEmpty {
            let most = Float((1 << layout.scale(0).count) - 1 - layout.scaleZero)
            (d, scales) = levels(steps, most: most)
            (dmin, offsets) = levels(minimums.map { max(0, -$0) }, most: most)
        }
        if type == .q8_k {
            for shift in 0..<4 { bytes[shift] = UInt8(truncatingIfNeeded: d.bitPattern >> UInt32(8 * shift)) }
        } else {
            d = put(d, at: layout.unit.d, in: &bytes)
        }
        if let place = layout.unit.minimum { dmin = put(dmin, at: place, in: &bytes) }
        for part in parts.indices {
            if !scales.isEmpty {
                BlockLayout.write(Int(scales[part]) + layout.scaleZero, to: layout.scale(part), in: &bytes)
                BlockLayout.write(Int(offsets[part]), to: layout.minimum(part), in: &bytes)
            }
            let scale = scales.isEmpty ? d : d * Float(scales[part])
            let offset = layout.unit.minimum == nil ? 0 : scales.isEmpty ? dmin : -dmin * Float(offsets[part])
            for (place, value) in parts[part].enumerated() {
                let index = part * layout.partElements + place
                let code = code(of: value - offset, scale: scale, layout)
                BlockLayout.write(code, to: layout.code(index), in: &bytes)
            }
        }
        return bytes
    }

    /// The scale with which the part's values reach as far as the codes.
    private static func step(of part: [Float], _ layout: BlockLayout) -> Float {
        let largest = part.map(\.magnitude).max() ?? 0
        let most = Float((1 << layout.code(0).count) - 1)
        switch layout.type {
        case .iq4_nl, .iq4_xs: return largest / 113
        case .q8_k: return largest / 127
        case .q4_1, .q5_1: return ((part.max() ?? 0) - (part.min() ?? 0)) / most
        case .q2_k, .q5_k: return max(0, (part.max() ?? 0) - min(0, part.min() ?? 0)) / most
        case .tq2_0: return largest
        default: return largest / Float(layout.zero - 1)
        }
    }

    private static func code(of value: Float, scale: Float, _ layout: BlockLayout) -> Int {
        guard scale > 0 else { return layout.table == nil ? layout.zero : 8 }
        if let table = layout.table {
            return table.indices.min { abs(table[$0] * scale - value) < abs(table[$1] * scale - value) } ?? 0
        }
        let level = Int((value / scale).rounded())
        if layout.type == .q8_k { return max(-127, min(127, level)) & 255 }
        let most = layout.type == .tq2_0 ? 2 : (1 << layout.code(0).count) - 1
        return max(0, min(most, level + layout.zero))
    }

    /// Stores a number as f16 and returns what it became.
    private static func put(_ value: Float, at place: Int, in bytes: inout [UInt8]) -> Float {
        let half = Float16(value)
        bytes[place] = UInt8(half.bitPattern & 255)
        bytes[place + 1] = UInt8(half.bitPattern >> 8)
        return Float(half)
    }

    /// Which byte and digit of TQ1_0 holds an element: 32 bytes of 5, 16 of 5, 4 of 4.
    private static func digit(_ index: Int) -> (byte: Int, power: Int) {
        if index < 160 { return (index % 32, index / 32) }
        if index < 240 { return (32 + (index - 160) % 16, (index - 160) / 16) }
        return (48 + (index - 240) % 4, (index - 240) / 4)
    }

    private static func valuesOfTQ1(_ bytes: [UInt8]) -> [Float] {
        let d = half(bytes, at: 52)
        return (0..<256).map { index in
            let (byte, power) = digit(index)
            var fraction = Int(bytes[byte])
            for _ in 0..<power { fraction = fraction * 3 % 256 }
            return d * Float(fraction * 3 / 256 - 1)
        }
    }

    private static func blockOfTQ1(_ values: [Float]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 54)
        let d = put(values.map(\.magnitude).max() ?? 0, at: 52, in: &bytes)
        var digits = [[Int]](repeating: [0, 0, 0, 0, 0], count: 52)
        for (index, value) in values.enumerated() {
            let (byte, power) = digit(index)
            digits[byte][power] = d > 0 ? Int((value / d).rounded()) + 1 : 1
        }
        for (byte, digits) in digits.enumerated() {
            let number = digits.reduce(0) { $0 * 3 + $1 }
            bytes[byte] = UInt8((number * 256 + 242) / 243)
        }
        return bytes
    }

    private static func single(_ bytes: [UInt8]) -> Float {
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[$1]) << UInt32(8 * $1) })
    }
}
