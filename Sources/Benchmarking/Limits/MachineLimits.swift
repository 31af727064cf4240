internal import CBenchmarks

/// What this machine can do at most, measured with the threads that a benchmark uses. Rates per second.
public struct MachineLimits: Sendable, Equatable {
    public let threads: Int
    /// f32 operations of multiply-add chains.
    public let floatOperations: Double
    /// int8 operations of dot products into int32.
    public let integerOperations: Double
    /// Bytes read from a buffer beyond the last-level cache.
    public let memoryBytes: Double
    /// Size of that buffer.
    public let memoryBufferBytes: Int
    /// Bytes read from a buffer in the last-level cache.
    public let cacheBytes: Double
    public let cacheBufferBytes: Int
    let effort: Effort

    /// How long and over how much memory limits are measured.
    enum Effort: Sendable, Equatable {
        case full
        /// Hundredths of a second and small buffers: for trying a command, not for figures.
        case quick

        var seconds: Double { self == .full ? 0.4 : 0.01 }

        /// Four times the last-level cache, which neighbours may share, or a quarter of free memory if that is less.
        func memoryBufferBytes(_ machine: Machine) -> Int {
            self == .full ? min(max(1 << 30, 4 * machine.lastCacheBytes), machine.availableBytes / 4) : 16 << 20
        }

        /// A buffer that second-level caches do not hold.
        func cacheBufferBytes(_ machine: Machine) -> Int {
            self == .full ? min(48 << 20, max(4 << 20, machine.lastCacheBytes / 2)) : 4 << 20
        }
    }

    static func measured(_ machine: Machine, threads: Int, effort: Effort) -> MachineLimits {
        let count = Int32(threads)
        let memory = effort.memoryBufferBytes(machine)
        let cache = effort.cacheBufferBytes(machine)
        return MachineLimits(
            threads: threads, floatOperations: cb_fma_f32_rate(count, effort.seconds),
            integerOperations: cb_int8_rate(count, effort.seconds),
            memoryBytes: cb_read_rate(count, memory, effort.seconds), memoryBufferBytes: memory,
            cacheBytes: cb_read_rate(count, cache, effort.seconds), cacheBufferBytes: cache, effort: effort)
    }

    /// Bytes per second when `byteCount` bytes are read again and again: measured over a buffer of that size where it
    /// lies between those of `cacheBytes` and `memoryBytes`.
    func readRate(workingSet byteCount: Int) -> Double {
        guard byteCount < memoryBufferBytes else { return memoryBytes }
        guard byteCount > cacheBufferBytes else { return cacheBytes }
        return cb_read_rate(Int32(threads), byteCount, effort.seconds)
    }
}
