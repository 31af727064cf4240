internal import Glibc
internal import Synchronization
internal import Tensors

/// The process-wide pool of KV bytes: every cache takes its memory here and gives it back here, so `usedBytes` is
/// exact. Admission (the scheduler's books) keeps `usedBytes` under the capacity; going over is a broken promise and
/// traps.
public final class KVArena: Sendable {
    public let capacityBytes: Int
    private let used = Atomic<Int>(0)

    public init(capacityBytes: Int) {
        precondition(capacityBytes > 0, "a pool of \(capacityBytes) bytes")
        self.capacityBytes = capacityBytes
    }

    /// Bytes of all living blocks.
    public var usedBytes: Int { used.load(ordering: .relaxed) }

    /// A zeroed block of exactly `byteCount` bytes, given back when it is released.
    public func allocate(byteCount: Int) -> ArenaBlock {
        ArenaBlock(byteCount: byteCount, arena: self)
    }

    /// Charges `byteCount` bytes that live elsewhere (activations of a prefill) until the charge is released.
    public func charge(byteCount: Int) -> ArenaCharge {
        ArenaCharge(byteCount: byteCount, arena: self)
    }

    fileprivate func take(_ byteCount: Int) {
        let now = used.wrappingAdd(byteCount, ordering: .relaxed).newValue
        precondition(
            now <= capacityBytes, "the KV pool holds \(now) of \(capacityBytes) bytes: admission broke its promise")
    }

    fileprivate func giveBack(_ byteCount: Int) {
        used.wrappingSubtract(byteCount, ordering: .relaxed)
    }
}

/// Bytes charged to the pool for as long as the object lives.
public final class ArenaCharge {
    public private(set) var byteCount: Int
    private let arena: KVArena

    fileprivate init(byteCount: Int, arena: KVArena) {
        precondition(byteCount >= 0, "negative charge of \(byteCount) bytes")
        arena.take(byteCount)
        self.byteCount = byteCount
        self.arena = arena
    }

    deinit { arena.giveBack(byteCount) }

    /// Gives back all but `byteCount` bytes.
    func shrink(to byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= self.byteCount, "\(self.byteCount) bytes shrink to \(byteCount)")
        arena.giveBack(self.byteCount - byteCount)
        self.byteCount = byteCount
    }
}

/// Memory of one owner inside the pool, aligned to 64 bytes.
@safe public final class ArenaBlock {
    private let memory: AlignedBuffer<UInt8>
    private let charge: ArenaCharge

    fileprivate init(byteCount: Int, arena: KVArena) {
        charge = arena.charge(byteCount: byteCount)
        memory = AlignedBuffer(count: byteCount)
    }

    public var base: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(memory.base) }

    public var byteCount: Int { charge.byteCount }

    /// Gives back all but the first `byteCount` bytes: to the pool exactly, to the system whole pages.
    func shrink(to byteCount: Int) {
        guard byteCount < charge.byteCount else { return }
        let page = UInt(getpagesize())
        let first = unsafe (UInt(bitPattern: base) + UInt(byteCount) + page - 1) / page * page
        let end = unsafe (UInt(bitPattern: base) + UInt(charge.byteCount)) / page * page
        charge.shrink(to: byteCount)
        guard first < end, let tail = unsafe UnsafeMutableRawPointer(bitPattern: first) else { return }
        _ = unsafe madvise(tail, Int(end - first), MADV_DONTNEED)
    }
}
