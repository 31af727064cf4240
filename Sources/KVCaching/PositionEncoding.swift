internal import Glibc
internal import Kernels
internal import Tensors

/// How positions enter attention.
public enum PositionEncoding {
    /// Nothing happens inside attention: learned positions are added to the embedding.
    case none
    /// Rotary embedding of queries and keys (Su et al., arXiv 2104.09864).
    case rope(RoPETable)
    /// A bias per query head, slope · (key position − query position) (Press et al., arXiv 2108.12409).
    case alibi(slopes: [Float])
}

/// Which numbering attention uses after pruning (KEYFORMER section 5).
public enum PositionMode: String, Sendable, CaseIterable {
    /// A token keeps the position it was fed at.
    case original
    /// Tokens are renumbered by their index in the pruned cache.
    case compact
}

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

    /// Rotated pairs per head; elements past 2 · pairs stay as they are.
    public let pairs: Int
    public let pairing: Pairing
    private let inverseFrequencies: [Double]
    private var cosines: AlignedBuffer<Float>
    private var sines: AlignedBuffer<Float>
    private var positions = 0

    /// `rotaryDim` elements of each head are rotated, with frequencies theta^(−2i / rotaryDim).
    public init(rotaryDim: Int, theta: Double, pairing: Pairing) {
        precondition(rotaryDim > 0 && rotaryDim % 2 == 0, "rotary dimension \(rotaryDim)")
        pairs = rotaryDim / 2
        self.pairing = pairing
        inverseFrequencies = (0..<rotaryDim / 2).map { pow(theta, -2 * Double($0) / Double(rotaryDim)) }
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
                let angle = Double(position) * inverseFrequencies[pair]
                unsafe newCosines.base[position * pairs + pair] = Float(cos(angle))
                unsafe newSines.base[position * pairs + pair] = Float(sin(angle))
            }
        }
        (cosines, sines, positions) = (newCosines, newSines, grown)
    }

    /// Rotates one head in place to `position`, which was reserved.
    @unsafe func rotate(_ head: UnsafeMutablePointer<Float>, position: Int, kernels: KernelTable) {
        precondition(position >= 0 && position < positions, "position \(position) of \(positions)")
        let (cosine, sine) = unsafe (cosines.base + position * pairs, sines.base + position * pairs)
        switch pairing {
        case .half: unsafe kernels.ropeHalf(pairCount: pairs, cosine: cosine, sine: sine, x: head)
        case .interleaved: unsafe kernels.ropeInterleaved(pairCount: pairs, cosine: cosine, sine: sine, x: head)
        }
    }
}
