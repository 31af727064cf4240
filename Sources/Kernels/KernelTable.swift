internal import CKernels
internal import Glibc

/// One set of kernels: the C functions of one instruction set. A value of two words; constant over the process's life.
///
/// The methods are the slots that caches and policies call. They take bare pointers, allocate nothing and cannot fail;
/// `ckernels.h` has the full contract of each. Every table gives the same bits, except in `gumbel` (see there).
@safe public struct KernelTable: @unchecked Sendable {
    // Sendable: the table is a C constant.
    let slots: UnsafePointer<ck_table>

    /// The environment variable that chooses a table.
    public static let environmentName = "KEYHOLD_ISA"

    /// The table that the environment's `KEYHOLD_ISA` names, or else, and where this CPU does not run that one, the
    /// fastest that this CPU and operating system run.
    public static let best = chosen(by: unsafe getenv(environmentName).map { unsafe String(cString: $0) })
    /// The portable reference that the others are tested against.
    public static let scalar = unsafe KernelTable(slots: ck_table_scalar())

    /// All tables that this CPU runs, the reference first.
    public static var available: [KernelTable] {
        ["scalar", "avx2", "avx512", "neon", "dotprod"].compactMap { named($0) }
    }

    /// The table of that name, or nil where there is none or this CPU does not run it.
    public static func named(_ isa: String) -> KernelTable? {
        guard let slots = unsafe ck_table_named(isa) else { return nil }
        return unsafe KernelTable(slots: slots)
    }

    /// What `best` is for a value of `KEYHOLD_ISA`.
    static func chosen(by isa: String?) -> KernelTable {
        if let isa, let table = named(isa) { return table }
        return unsafe KernelTable(slots: ck_table_best())
    }

    /// `scalar`; on x86 also `avx2` or `avx512`, on arm64 `neon` or, with its products of bytes, `dotprod`.
    public var isa: String { unsafe String(cString: slots.pointee.isa) }

    /// `target[i] += input[i]`.
    @unsafe public func add(count: Int, input: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
        unsafe slots.pointee.add_f32(count, input, target)
    }

    /// Floats that can be read behind noise by position.
    public static let noiseSlack = Int(CK_NOISE_SLACK)

    /// What Keyformer's score (arXiv 2403.09054, Algorithm 1) is made of. In place `rows[h · stride + j]` becomes
    /// `exp(x - maxima[h · step])` with `x = (rows[h · stride + j] + noise) · inverseTau` and the largest x of the row
    /// as maximum; `sums[h · step]` is the row's sum. The noise is `noise[positions[j] · heads + h]` with `noiseSlack`
    /// floats behind it, `noise[h · noiseStride + j]` without positions, 0 without noise. `count` is at least 1.
    /// `ahead` is what the caller reads next.
    @unsafe public func noisyExpSums(
        heads: Int, count: Int, inverseTau: Float, noise: UnsafePointer<Float>?, noiseStride: Int,
        positions: UnsafePointer<Int32>?, rows: UnsafeMutablePointer<Float>, stride: Int,
        maxima: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>, step: Int,
        ahead: UnsafeRawPointer? = nil
    ) {
        unsafe slots.pointee.noisy_exp_sums_f32(
            heads, count, inverseTau, noise, noiseStride, positions, rows, stride, maxima, sums, step, ahead)
    }

    /// `target[j] += rows[h · stride + j] · weights[h · step]` for `h < heads`, rising, one fma each.
    @unsafe public func addRows(
        heads: Int, count: Int, weights: UnsafePointer<Float>, step: Int, rows: UnsafePointer<Float>, stride: Int,
        to target: UnsafeMutablePointer<Float>
    ) {
        unsafe slots.pointee.add_rows_f32(heads, count, weights, step, rows, stride, target)
    }

    /// `noise[j]` = Gumbel(0, 1) noise at key position `positions[j]` for `queryTag`; `prefix` is
    /// `GumbelNoise.prefix(seed:layer:head:)`. Tables differ by at most 1e-6 before rounding to float.
    @unsafe public func gumbel(
        count: Int, prefix: UInt64, positions: UnsafePointer<Int32>, queryTag: UInt64,
        noise: UnsafeMutablePointer<Float>
    ) {
        unsafe slots.pointee.gumbel_f32(count, prefix, positions, queryTag, noise)
    }

    /// Index of the smallest score among the entries whose position lies in `candidates`, or nil where none does. Among
    /// equals the one with the largest position.
    @unsafe public func argminNewest(
        count: Int, scores: UnsafePointer<Float>, positions: UnsafePointer<Int32>, candidates: ClosedRange<Int32>
    ) -> Int? {
        let index = unsafe slots.pointee.argmin_newest_f32(
            count, scores, positions, candidates.lowerBound, candidates.upperBound)
        return index < count ? index : nil
    }

    /// Rotates the pairs `(x[i], x[i + pairCount])` of one head in place. `cosine` and `sine` are `[pairCount]`.
    @unsafe public func ropeHalf(
        pairCount: Int, cosine: UnsafePointer<Float>, sine: UnsafePointer<Float>, x: UnsafeMutablePointer<Float>
    ) {
        unsafe slots.pointee.rope_half_f32(pairCount, cosine, sine, x)
    }

    /// Rotates the pairs `(x[2i], x[2i + 1])` of one head in place. `cosine` and `sine` are `[pairCount]`.
    @unsafe public func ropeInterleaved(
        pairCount: Int, cosine: UnsafePointer<Float>, sine: UnsafePointer<Float>, x: UnsafeMutablePointer<Float>
    ) {
        unsafe slots.pointee.rope_interleaved_f32(pairCount, cosine, sine, x)
    }
}
