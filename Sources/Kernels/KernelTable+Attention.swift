internal import CKernels

/// The slots of attention. `ckernels.h` has the full contract of each.
extension KernelTable {
    /// Keys that stand side by side in a tile.
    public static let keyTile = Int(CK_KEY_TILE)

    /// Queries of some heads as the logits of a cache want them.
    @unsafe public struct Queries {
        /// `[heads, headDim]`.
        let values: UnsafePointer<Float>
        /// `[heads]` of `KVStorage.queryBytes`, for keys stored in blocks.
        let blocks: UnsafeMutableRawPointer

        public init(values: UnsafePointer<Float>, blocks: UnsafeMutableRawPointer) {
            unsafe self.values = values
            unsafe self.blocks = blocks
        }

        /// The queries from `row` on.
        func advanced(by rows: Int, headDim: Int) -> Queries {
            unsafe Queries(
                values: values + rows * headDim, blocks: blocks + rows * KVStorage.queryBytes(headDim: headDim))
        }
    }

    /// Rounds `queries` from `first` on to 8-bit integers where keys are stored in blocks; otherwise does nothing.
    @unsafe public func prepareQueries(
        _ queries: Queries, from first: Int, count: Int, headDim: Int, keyType: KVStorage
    ) {
        guard keyType.isBlocked else { return }
        let (size, whole) = (KVStorage.blockElements, headDim / KVStorage.blockElements)
        for head in first..<first + count {
            let query = unsafe queries.advanced(by: head, headDim: headDim)
            let target = unsafe query.blocks.assumingMemoryBound(to: ck_block.self)
            unsafe slots.pointee.quantize(whole * size, keyType.zero, size, query.values, target)
            guard whole * size < headDim else { continue }
            unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { padded in
                unsafe padded.initialize(repeating: 0)
                for index in 0..<headDim - whole * size {
                    unsafe padded[index] = unsafe query.values[whole * size + index]
                }
                guard let base = padded.baseAddress else { return }
                unsafe slots.pointee.quantize(size, keyType.zero, size, base, target + whole)
            }
        }
    }

    /// `logits[g · stride + j] = scale · (queries[g] · keys[j])` for `g < heads` and `j < count`; keys are read once
    /// for some heads together. `keys` is `[count, headDim]` as `storeRows` lays it out; where it is in blocks,
    /// `prepareQueries` was called. `ahead` is what will be read next: it is asked for when the last keys are read.
    @unsafe public func attentionLogits(
        heads: Int, count: Int, headDim: Int, scale: Float, queries: Queries, keys: UnsafeRawPointer,
        keyType: KVStorage, logits: UnsafeMutablePointer<Float>, stride: Int, ahead: UnsafeRawPointer? = nil
    ) {
        let query = unsafe queries.values
        let blocks = unsafe queries.blocks.assumingMemoryBound(to: ck_block.self)
        let blockCount = (headDim + KVStorage.blockElements - 1) / KVStorage.blockElements
        switch keyType {
        case .f32:
            unsafe slots.pointee.attention_logits_f32(
                heads, count, headDim, scale, query, headDim, keys, logits, stride, ahead)
        case .f16:
            unsafe slots.pointee.attention_logits_f16(
                heads, count, headDim, scale, query, headDim, keys, logits, stride, ahead)
        case .bf16:
            unsafe slots.pointee.attention_logits_bf16(
                heads, count, headDim, scale, query, headDim, keys, logits, stride, ahead)
        case .q8:
            unsafe slots.pointee.attention_logits_q8(
                heads, count, headDim, scale, blocks, blockCount, keys, logits, stride, ahead)
        case .q4:
            unsafe slots.pointee.attention_logits_q4(
                heads, count, headDim, scale, blocks, blockCount, keys, logits, stride, ahead)
        }
    }

    /// Rounds `count` rows of f32 to a storage type and lays them out side by side without room between them.
    @unsafe public func storeRows(
        count: Int, headDim: Int, _ rows: UnsafePointer<Float>, as storage: KVStorage,
        at target: UnsafeMutableRawPointer
    ) {
        switch storage {
        case .f32: unsafe target.copyMemory(from: rows, byteCount: count * headDim * 4)
        case .f16: unsafe slots.pointee.to_f16(count * headDim, rows, target.assumingMemoryBound(to: UInt16.self))
        case .bf16: unsafe slots.pointee.to_bf16(count * headDim, rows, target.assumingMemoryBound(to: UInt16.self))
        case .q8: unsafe slots.pointee.to_q8_rows(count, headDim, rows, target)
        case .q4: unsafe slots.pointee.to_q4_rows(count, headDim, rows, target)
        }
    }

    /// Whether keys of a type can be laid side by side for `tileLogits`. Those in blocks need not: their logits keep
    /// up with tiles as they are.
    public static func tiles(_ keyType: KVStorage) -> Bool { !keyType.isBlocked }

    /// Writes `count` keys side by side for `tileLogits`: `[⌈count / keyTile⌉, headDim, keyTile]`. `keys` is
    /// `[count, headDim]` of `keyType`, which is none of those in blocks.
    @unsafe public func tileKeys(
        count: Int, headDim: Int, keys: UnsafeRawPointer, keyType: KVStorage, tiles: UnsafeMutablePointer<Float>
    ) {
        precondition(Self.tiles(keyType), "keys of \(keyType)")
        switch keyType {
        case .f32: unsafe slots.pointee.tile_keys_f32(count, headDim, keys, tiles)
        case .f16: unsafe slots.pointee.tile_keys_f16(count, headDim, keys, tiles)
        default: unsafe slots.pointee.tile_keys_bf16(count, headDim, keys, tiles)
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
    /// values[j, i]` for `g < heads`; values are read once for some heads together. `values` is `[count, headDim]` as
    /// `storeRows` lays it out; `output` is `[heads, headDim]`. The sums run over rising `j`. `ahead` as for
    /// the logits.
    @unsafe public func weightedSum(
        heads: Int, count: Int, headDim: Int, weights: UnsafePointer<Float>, weightStride: Int,
        values: UnsafeRawPointer, valueType: KVStorage, accumulate: Bool, output: UnsafeMutablePointer<Float>,
        stride: Int, ahead: UnsafeRawPointer? = nil
    ) {
        let accumulate: Int32 = accumulate ? 1 : 0
        switch valueType {
        case .f32:
            unsafe slots.pointee.weighted_sum_f32(
                heads, count, headDim, weights, weightStride, values, accumulate, output, stride, ahead)
        case .f16:
            unsafe slots.pointee.weighted_sum_f16(
                heads, count, headDim, weights, weightStride, values, accumulate, output, stride, ahead)
        case .bf16:
            unsafe slots.pointee.weighted_sum_bf16(
                heads, count, headDim, weights, weightStride, values, accumulate, output, stride, ahead)
        case .q8:
            unsafe slots.pointee.weighted_sum_q8(
                heads, count, headDim, weights, weightStride, values, accumulate, output, stride, ahead)
        case .q4:
            unsafe slots.pointee.weighted_sum_q4(
                heads, count, headDim, weights, weightStride, values, accumulate, output, stride, ahead)
        }
    }
}
