internal import CKernels
internal import Tensors

/// Quantised rows side by side, as the kernels of a table read them best: for each thread those that it works on.
/// Made ready by the owner before the team starts; then each thread uses its own part.
@safe final class RowPacking {
    /// Rows that are packed together. More would not stay in the cache that a core has for itself.
    static let chunkRows = 64

    /// What one thread has packed.
    @unsafe fileprivate struct Part {
        var blocks: UnsafeMutablePointer<ck_block>
        /// Number of the chunk that stands there.
        var chunk: Int
    }

    /// What the threads read.
    @unsafe struct Parts {
        fileprivate let parts: UnsafeMutablePointer<Part>
        fileprivate let table: KernelTable
        /// Number of the product's first chunk. Each chunk of each product has its own.
        fileprivate let firstChunk: Int

        /// `rows` rows of `perRow` blocks, which are the product's chunk `index`, as the table packs them.
        func packed(
            _ blocks: UnsafePointer<ck_block>, rows: Int, perRow: Int, chunk index: Int, worker: Int
        ) -> UnsafePointer<ck_block> {
            let part = unsafe parts + worker * RowPacking.distance
            if unsafe part.pointee.chunk != firstChunk + index {
                unsafe table.slots.pointee.pack_rows(rows, perRow, blocks, perRow, part.pointee.blocks)
                unsafe part.pointee.chunk = firstChunk + index
            }
            return unsafe UnsafePointer(part.pointee.blocks)
        }
    }

    /// Between the parts, so that no two threads write to the same line.
    private static let distance = 8
    private let parts: UnsafeMutablePointer<Part>
    private let threads: Int
    private var buffer = AlignedBuffer<ck_block>(count: 0)
    private var nextChunk = 0

    init(threads: Int) {
        self.threads = threads
        unsafe parts = .allocate(capacity: threads * Self.distance)
        unsafe place(blocksPerThread: 0)
    }

    deinit { unsafe parts.deallocate() }

    /// Parts for a product of `rows` rows of `perRow` blocks; nil where the table's kernels read rows, or so few of
    /// them, where they are.
    @unsafe func parts(for table: KernelTable, rows: Int, perRow: Int) -> Parts? {
        let together = unsafe Int(table.slots.pointee.packed_rows)
        guard together > 1, rows >= together / 2 else { return nil }
        let most = min(rows, Self.chunkRows)
        let needed = (most + together - 1) / together * together * perRow
        if needed * threads > buffer.count {
            unsafe buffer = AlignedBuffer(uninitializedCount: needed * threads)
            unsafe place(blocksPerThread: needed)
        }
        defer { nextChunk += (rows + Self.chunkRows - 1) / Self.chunkRows }
        return unsafe Parts(parts: parts, table: table, firstChunk: nextChunk)
    }

    @unsafe private func place(blocksPerThread: Int) {
        for thread in 0..<threads {
            unsafe (parts + thread * Self.distance).initialize(
                to: Part(blocks: buffer.base + thread * blocksPerThread, chunk: -1))
        }
    }
}
