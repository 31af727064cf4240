public import Kernels

/// The dimensions of a model that decide what its KV cache costs.
public struct CacheShape: Sendable, Equatable {
    public let layerCount: Int
    public let kvHeads: Int
    public let queryHeads: Int
    public let headDim: Int
    public let hiddenSize: Int

    public init(layerCount: Int, kvHeads: Int, queryHeads: Int, headDim: Int, hiddenSize: Int) {
        precondition(kvHeads > 0 && queryHeads % kvHeads == 0, "\(queryHeads) query heads on \(kvHeads) KV heads")
        self.layerCount = layerCount
        self.kvHeads = kvHeads
        self.queryHeads = queryHeads
        self.headDim = headDim
        self.hiddenSize = hiddenSize
    }

    /// Query heads that read one KV head (the GQA group).
    public var groupSize: Int { queryHeads / kvHeads }

    /// One lane per layer and KV head.
    public var laneCount: Int { layerCount * kvHeads }

    /// Bytes of one token in an unpruned cache: keys, values and position, all lanes. Scoring policies add four bytes
    /// per lane.
    public func unprunedTokenBytes(storage: KVStorage) -> Int {
        laneCount
            * SlotLayout(headDim: headDim, keyStorage: storage, valueStorage: storage, isScored: false).slotBytes
    }
}

/// What a slot of a lane is made of, and so what it costs.
public struct SlotLayout: Sendable, Equatable {
    public let headDim: Int
    public let keyStorage: KVStorage
    public let valueStorage: KVStorage
    /// Whether the policy keeps a score per slot.
    public let isScored: Bool

    public init(headDim: Int, keyStorage: KVStorage, valueStorage: KVStorage, isScored: Bool) {
        self.headDim = headDim
        self.keyStorage = keyStorage
        self.valueStorage = valueStorage
        self.isScored = isScored
    }

    public var keyBytes: Int { keyStorage.rowBytes(headDim: headDim) }
    public var valueBytes: Int { valueStorage.rowBytes(headDim: headDim) }

    /// Key row, value row, position (Int32) and, where scored, score (Float).
    public var slotBytes: Int { keyBytes + valueBytes + 4 + (isScored ? 4 : 0) }
}
