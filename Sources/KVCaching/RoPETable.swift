internal import Glibc
internal import Kernels
internal import Tensors

/// Cosines and sines of RoPE for positions 0, 1, 2, …, grown as sequences need them. Confined to the engine thread;
/// the thread team only reads between two growths.
@safe public final class RoPETable {
    /// Which elements of a head form a pair.
    public enum Pairing: Sendable {
        /// Elements i and i + pairs (Hugging Face).
        case half
        /// Elements 2i and 2i + 1 (GPT-J, GGUF's Llama).
        case interleaved
    }

    /// What the angles are made of.
    public struct Frequencies: Sendable, Equatable {
        /// The angle of pair i is position · inverse[i].
        public var inverse: [Double]
        /// What cosines and sines are multiplied with.
        public var magnitude: Double

        public init(inverse: [Double], magnitude: Double = 1) {
            self.inverse = inverse
            self.magnitude = magnitude
        }
    }

    /// Rotated pairs per head; elements past 2 · pairs stay as they are.
    public let pairs: Int
    public let pairing: Pairing
    private let frequencies: Frequencies
    private var cosines: AlignedBuffer<Float>
    private var sines: AlignedBuffer<Float>
    private var positions = 0

    /// Two elements of each head are rotated for each frequency.
    public init(_ frequencies: Frequencies, pairing: Pairing) {
        precondition(!frequencies.inverse.isEmpty, "RoPE without frequencies")
        pairs = frequencies.inverse.count
        self.pairing = pairing
        self.frequencies = frequencies
        cosines = AlignedBuffer(count: 0)
        sines = AlignedBuffer(count: 0)
    }

    /// Makes positions 0..<count available.
    public func reserve(positions count: Int) {
        guard count > positions else { return }
        let grown = max(count, 2 * positions, 256)
        let newCosines = AlignedBuffer<Float>(count: grown * pairs)
        let newSines = AlignedBuffer<Float>(count: grown * pairs)
        unsafe newCosines.base.update(from: cosines.base, count: positions * pairs)
        unsafe newSines.base.update(from: sines.base, count: positions * pairs)
        for position in positions..<grown {
            for pair in 0..<pairs {
                let angle = Double(position) * frequencies.inverse[pair]
                unsafe newCosines.base[position * pairs + pair] = Float(frequencies.magnitude * cos(angle))
                unsafe newSines.base[position * pairs + pair] = Float(frequencies.magnitude * sin(angle))
            }
        }
        (cosines, sines, positions) = (newCosines, newSines, grown)
    }

    /// What is there now, as plain addresses; valid until the next growth.
    @unsafe var angles: RoPEAngles {
        unsafe RoPEAngles(
            pairs: pairs, pairing: pairing, positions: positions, cosines: cosines.base, sines: sines.base)
    }
}

/// A table's angles for threads that rotate heads: nothing of it counts references.
@unsafe struct RoPEAngles {
    let pairs: Int
    let pairing: RoPETable.Pairing
    let positions: Int
    /// [positions, pairs]
    let cosines: UnsafePointer<Float>
    let sines: UnsafePointer<Float>

    /// Rotates one head in place to `position`, which was reserved.
    func rotate(_ head: UnsafeMutablePointer<Float>, position: Int, kernels: KernelTable) {
        precondition(unsafe position >= 0 && position < positions, "position \(position) of \(unsafe positions)")
        let (cosine, sine) = unsafe (cosines + position * pairs, sines + position * pairs)
        switch unsafe pairing {
        case .half: unsafe kernels.ropeHalf(pairCount: pairs, cosine: cosine, sine: sine, x: head)
        case .interleaved: unsafe kernels.ropeInterleaved(pairCount: pairs, cosine: cosine, sine: sine, x: head)
        }
    }
}
