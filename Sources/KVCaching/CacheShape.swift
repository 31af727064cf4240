public import Kernels

/// The dimensions of a model that decide what its KV cache costs.
public struct CacheShape: Sendable, Equatable {
    public let layerCount: Int
    public let kvHeads: Int
    public let queryHeads: Int
    public let headDim: Int
    public let hiddenSize: Int
    /// By layer: tokens that a query sees, itself included, at least 2; nil: all of them. Empty: no layer has a window.
    public let windows: [Int?]

    public init(
        layerCount: Int, kvHeads: Int, queryHeads: Int, headDim: Int, hiddenSize: Int, windows: [Int?] = []
    ) {
        precondition(kvHeads > 0 && queryHeads % kvHeads == 0, "\(queryHeads) query heads on \(kvHeads) KV heads")
        precondition(windows.isEmpty || windows.count == layerCount, "\(windows.count) windows, \(layerCount) layers")
        precondition(windows.allSatisfy { $0.map { $0 > 1 } ?? true }, "a window of one token")
        self.windows = windows
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

    /// Tokens that a query of the layer sees, itself included; nil: all.
    public func window(layer: Int) -> Int? { windows.isEmpty ? nil : windows[layer] }

    /// Slots of a lane where the others have `slots`: in a layer with a window no more than the next query sees of the
    /// past.
    public func laneSlots(layer: Int, of slots: Int) -> Int { window(layer: layer).map { min(slots, $0 - 1) } ?? slots }

    /// `laneSlots` of all lanes of all layers together.
    public func totalSlots(of slots: Int) -> Int {
        kvHeads * (0..<layerCount).reduce(0) { $0 + laneSlots(layer: $1, of: slots) }
    }

    /// The most slots per lane whose total in all lanes is at most `total`, or `most` where that fits too.
    public func slots(fittingTotal total: Int, most: Int) -> Int {
        guard !windows.isEmpty else { return total / laneCount }
        var (fitting, beyond) = (0, most + 1)
        while beyond - fitting > 1 {
            let middle = fitting + (beyond - fitting) / 2
            if totalSlots(of: middle) <= total { fitting = middle } else { beyond = middle }
        }
        return fitting
    }

    /// Bytes of one token in an unpruned cache: keys, values and position, all lanes. Scoring policies add four bytes
    /// per lane; a token that has left the window of a layer costs nothing there.
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
