internal import CKernels
public import Tensors

/// The slots of attention. `ckernels.h` has the full contract of each.
extension KernelTable {
    /// Keys that stand side by side in a tile.
    public static let keyTile = Int(CK_KEY_TILE)

    /// `logits[g · stride + j] = scale · (query[g] · keys[j])` for `g < heads` and `j < count`; keys are read once for
    /// some heads together. `query` is `[heads, headDim]` at a distance of `queryStride`, `keys` is `[count, headDim]`
    /// of `keyType`, which is f32 or f16.
    @unsafe public func attentionLogits(
        heads: Int, count: Int, headDim: Int, scale: Float, query: UnsafePointer<Float>, queryStride: Int,
        keys: UnsafeRawPointer, keyType: DType, logits: UnsafeMutablePointer<Float>, stride: Int
    ) {
        precondition(keyType == .f32 || keyType == .f16, "keys of \(keyType)")
        if keyType == .f32 {
            unsafe slots.pointee.attention_logits_f32(
                heads, count, headDim, scale, query, queryStride, keys, logits, stride)
        } else {
            unsafe slots.pointee.attention_logits_f16(
                heads, count, headDim, scale, query, queryStride, keys, logits, stride)
        }
    }

    /// Writes `count` keys side by side for `tileLogits`: `[⌈count / keyTile⌉, headDim, keyTile]`. `keys` is
    /// `[count, headDim]` of `keyType`, which is f32 or f16.
    @unsafe public func tileKeys(
        count: Int, headDim: Int, keys: UnsafeRawPointer, keyType: DType, tiles: UnsafeMutablePointer<Float>
    ) {
        precondition(keyType == .f32 || keyType == .f16, "keys of \(keyType)")
        if keyType == .f32 {
            unsafe slots.pointee.tile_keys_f32(count, headDim, keys, tiles)
        } else {
            unsafe slots.pointee.tile_keys_f16(count, headDim, keys, tiles)
        }
    }

    /// The bits of `attentionLogits` from tiled keys. Rows of `logits` have room for whole tiles; what stands past the
    /// `count`-th logit means nothing.
    @unsafe public func tileLogits(
        rows: Int, count: Int, headDim: Int, scale: Float, query: UnsafePointer<Float>, queryStride: Int,
        tiles: UnsafePointer<Float>, logits: UnsafeMutablePointer<Float>, stride: Int
    ) {
        unsafe slots.pointee.tile_logits_f32(
            rows, count, headDim, scale, query, queryStride, tiles, logits, stride)
    }

    /// `logits[j] += slope · (positions[j] - queryPosition)`: ALiBi (Press et al., arXiv 2108.12409).
    @unsafe public func alibi(
        count: Int, slope: Float, queryPosition: Int32, positions: UnsafePointer<Int32>,
        logits: UnsafeMutablePointer<Float>
    ) {
        unsafe slots.pointee.alibi_f32(count, slope, queryPosition, positions, logits)
    }

    /// `x[j] = cap · tanh(x[j] / cap)`.
    @unsafe public func softCap(count: Int, cap: Float, x: UnsafeMutablePointer<Float>) {
        unsafe slots.pointee.soft_cap_f32(count, cap, x)
    }

    /// `values[j] = exp(values[j] - maximum)` in place, with the largest value as maximum; returns the sum of these.
    /// `count` is at least 1.
    @unsafe public func expSum(
        count: Int, values: UnsafeMutablePointer<Float>, maximum: UnsafeMutablePointer<Float>
    ) -> Float {
        unsafe slots.pointee.exp_sum_f32(count, values, maximum)
    }

    /// `output[g · stride + i] = (accumulate ? output[g · stride + i] : 0) + Σ_j weights[g · weightStride + j] ·
    /// values[j, i]` for `g < heads`; values are read once for some heads together. `values` is `[count, headDim]` of
    /// `valueType`, which is f32 or f16; `output` is `[heads, headDim]`. The sums run over rising `j`.
    @unsafe public func weightedSum(
        heads: Int, count: Int, headDim: Int, weights: UnsafePointer<Float>, weightStride: Int,
        values: UnsafeRawPointer, valueType: DType, accumulate: Bool, output: UnsafeMutablePointer<Float>, stride: Int
    ) {
        precondition(valueType == .f32 || valueType == .f16, "values of \(valueType)")
        let accumulate: Int32 = accumulate ? 1 : 0
        if valueType == .f32 {
            unsafe slots.pointee.weighted_sum_f32(
                heads, count, headDim, weights, weightStride, values, accumulate, output, stride)
        } else {
            unsafe slots.pointee.weighted_sum_f16(
                heads, count, headDim, weights, weightStride, values, accumulate, output, stride)
        }
    }
}
