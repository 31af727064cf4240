internal import CKernels

/// Keyformer's noise: standard Gumbel draws, each a pure function of seed, layer, query head, key position and query.
///
/// A draw does not depend on batching, chunking, threads or on which tokens are still cached.
public enum GumbelNoise {
    /// The part of the hash that one (layer, query head) shares; argument of `KernelTable.gumbel`.
    public static func prefix(seed: UInt64, layer: Int, head: Int) -> UInt64 {
        ck_absorb(ck_absorb(seed, UInt64(layer)), UInt64(head))
    }

    /// 64 hashed bits of a draw. `queryTag` is 0 where all queries share their noise, else 1 + the query's position.
    public static func bits(seed: UInt64, layer: Int, head: Int, keyPosition: Int, queryTag: Int) -> UInt64 {
        ck_absorb(ck_absorb(prefix(seed: seed, layer: layer, head: head), UInt64(keyPosition)), UInt64(queryTag))
    }

    /// `u = ((bits >> 12) + 0.5) · 2^-52`, strictly between 0 and 1.
    public static func uniform(bits: UInt64) -> Double { ck_uniform(bits) }

    /// `-ln(-ln u)`: between -3.6 and 36.8 for every `uniform(bits:)`.
    public static func value(uniform: Double) -> Double { ck_gumbel(uniform) }
}
