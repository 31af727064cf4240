public import Generation
internal import Kernels
public import KVCaching

/// Caches that are kept between the requests of a conversation, each under the identity of the sequence that left it.
extension DecodeEngine {
    /// Keeps the cache of a sequence whose prompt has finished and gives all bytes back that its entries do not take.
    /// The sequence runs no more; the next turn's admission names it as `continued`, or `release` frees it.
    public func keep(_ id: SequenceID) -> CacheHistory {
        let state = state(id)
        state.cache.settle()
        return state.cache.history
    }

    /// Drops entries of a kept cache that a smaller budget has no room for. `plan` is one for its history.
    public func shrink(_ id: SequenceID, to plan: CachePlan) -> CacheHistory {
        let cache = state(id).cache
        cache.shrink(to: plan, kernels: compute.table)
        return cache.history
    }

    /// A copy of a kept cache under another identity; takes as many bytes from the arena.
    public func fork(_ id: SequenceID, as copy: SequenceID) {
        precondition(sequences[copy] == nil, "\(copy) was admitted before")
        sequences[copy] = SequenceState(idle: state(id).cache.copy(arena: arena))
    }

    /// The contents of a kept cache, which begins no turn while they are in use.
    public func image(of id: SequenceID) -> CacheImage { state(id).cache.image }

    /// A kept cache with the contents of an image in which no fault was found. `plan` is one of its session.
    public func restore(_ image: CacheImage, as id: SequenceID, plan: CachePlan) -> CacheHistory {
        precondition(sequences[id] == nil, "\(id) was admitted before")
        let cache = SequenceCache(image: image, plan: plan, arena: arena)
        sequences[id] = SequenceState(idle: cache)
        return cache.history
    }

    /// The cache of the next turn; what it does not need of the last one is free when this returns.
    func takeOver(_ id: SequenceID, plan: CachePlan) -> SequenceCache {
        let cache = SequenceCache(continuing: state(id).cache, plan: plan, arena: arena)
        sequences[id] = nil
        cache.reserveStaging(arena: arena)
        return cache
    }
}
