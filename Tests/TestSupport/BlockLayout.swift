import Tensors

/// Where a block of a quantised type holds the bits of its numbers, as a table: an account of the formats of its own,
/// which the readers and kernels are compared with. TQ1_0, whose digits are no bits, is not in it.
struct BlockLayout {
    /// A place of one bit in the block.
    typealias Place = (byte: Int, bit: Int)

    let type: DType

    /// Elements that share a scale.
    var partElements: Int {
        switch type {
        case .q2_k, .q3_k: 16
        case .q8_k, .tq2_0: 256
        default: 32
        }
    }

    /// Bytes where `d` stands, and `m` or `dmin` where there is one.
    var unit: (d: Int, minimum: Int?) {
        switch type {
        case .q4_1, .q5_1, .q5_k: (0, 2)
        case .q2_k: (80, 82)
        case .q3_k: (108, nil)
        case .tq2_0: (64, nil)
        default: (0, nil)
        }
    }

    /// The code that stands for 0, where there is no table and no minimum.
    var zero: Int {
        switch type {
        case .q5_0: 16
        case .q3_k: 4
        case .tq2_0: 1
        default: 0
        }
    }

    /// What codes stand for where that is no even scale.
    var table: [Float]? {
        guard type == .iq4_nl || type == .iq4_xs else { return nil }
        return [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]
    }

    /// The bits of element i's code, the lowest first.
    func code(_ i: Int) -> [Place] {
        switch type {
        case .q4_1: Self.bits(4, byte: 4 + i % 16, from: i / 16 * 4)
        case .iq4_nl: Self.bits(4, byte: 2 + i % 16, from: i / 16 * 4)
        case .q5_0: Self.bits(4, byte: 6 + i % 16, from: i / 16 * 4) + [(2 + i / 8, i % 8)]
        case .q5_1: Self.bits(4, byte: 8 + i % 16, from: i / 16 * 4) + [(4 + i / 8, i % 8)]
        case .iq4_xs: Self.bits(4, byte: 8 + i / 32 * 16 + i % 16, from: i % 32 / 16 * 4)
        case .q2_k: Self.bits(2, byte: 16 + i / 128 * 32 + i % 32, from: i % 128 / 32 * 2)
        case .tq2_0: Self.bits(2, byte: i / 128 * 32 + i % 32, from: i % 128 / 32 * 2)
        case .q3_k: Self.bits(2, byte: 32 + i / 128 * 32 + i % 32, from: i % 128 / 32 * 2) + [(i % 32, i / 32)]
        case .q5_k: Self.bits(4, byte: 48 + i / 64 * 32 + i % 32, from: i % 64 / 32 * 4) + [(16 + i % 32, i / 32)]
        case .q8_k: Self.bits(8, byte: 4 + i, from: 0)
        default: []
        }
    }

    /// The bits of a part's scale, the lowest first; none where `d` is the scale.
    func scale(_ part: Int) -> [Place] {
        switch type {
        case .q2_k: Self.bits(4, byte: part, from: 0)
        case .q3_k:
            Self.bits(4, byte: 96 + part % 8, from: part / 8 * 4)
                + Self.bits(2, byte: 104 + part % 4, from: part / 4 * 2)
        case .q5_k:
            part < 4
                ? Self.bits(6, byte: 4 + part, from: 0)
                : Self.bits(4, byte: 8 + part, from: 0) + Self.bits(2, byte: part, from: 6)
        case .iq4_xs:
            Self.bits(4, byte: 4 + part / 2, from: part % 2 * 4) + Self.bits(2, byte: 2 + part / 4, from: part % 4 * 2)
        default: []
        }
    }

    /// The bits of a part's minimum, the lowest first.
    func minimum(_ part: Int) -> [Place] {
        switch type {
        case .q2_k: Self.bits(4, byte: part, from: 4)
        case .q5_k:
            part < 4
                ? Self.bits(6, byte: 8 + part, from: 0)
                : Self.bits(4, byte: 8 + part, from: 4) + Self.bits(2, byte: 4 + part, from: 6)
        default: []
        }
    }

    /// What is subtracted from a stored scale.
    var scaleZero: Int { type == .q3_k || type == .iq4_xs ? 32 : 0 }

    private static func bits(_ count: Int, byte: Int, from: Int) -> [Place] { (0..<count).map { (byte, from + $0) } }

    static func read(_ places: [Place], in bytes: [UInt8]) -> Int {
        places.enumerated().reduce(0) { $0 | Int(bytes[$1.element.byte] >> UInt8($1.element.bit) & 1) << $1.offset }
    }

    static func write(_ value: Int, to places: [Place], in bytes: inout [UInt8]) {
        for (index, place) in places.enumerated() { bytes[place.byte] |= UInt8(value >> index & 1) << UInt8(place.bit) }
    }
}
