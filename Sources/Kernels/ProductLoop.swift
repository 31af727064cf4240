internal import CKernels
internal import Tensors

/// One product as threads see it.
@unsafe struct BoundProduct {
    let weight: PackedWeights
    let bias: UnsafePointer<Float>?
    /// First row and column.
    let output: UnsafeMutablePointer<Float>
    let outputStride: Int
}

/// What follows products of the same height at once, while their outputs are near.
@unsafe struct ProductFollowUp {
    let activation: Compute.Activation
    /// Where the result is wanted quantised too: the first row's blocks.
    let blocks: UnsafeMutablePointer<ck_block>?
    let quantisation: ActivationQuantisation?
}

/// Products of the same rows while the team works on them. Everything is written by the owner before the team starts,
/// and read by the threads.
@safe final class ProductLoop {
    /// What the threads read: plain addresses and counts, so that no reference count is touched by two of them.
    @unsafe struct Work {
        let table: KernelTable
        let count: Int
        let columns: Int
        let input: UnsafePointer<Float>
        let inputStride: Int
        /// The rows quantised, where the products want them so.
        let blocks: UnsafePointer<ck_block>?
        let followUp: ProductFollowUp?
        var products: UnsafePointer<BoundProduct>?
        var productCount = 0
        /// The quantised rows as each thread packs them, if it does.
        var packing: RowPacking.Parts?
        /// Rows of a chunk: shares are of one chunk's rows.
        var chunkRows = 1
        /// Outputs of a unit: shares begin at multiples of it within each product.
        var unitOutputs = PackedMatrix.groupRows
        var shares: UnsafePointer<Share>?
    }

    /// Some outputs of some rows.
    struct Share {
        /// Number of the chunk that the rows are.
        let chunk: Int
        /// Units of outputs.
        let first: Int
        let end: Int
    }

    /// Products that can run together.
    static let capacity = 8
    private let products: UnsafeMutablePointer<BoundProduct>
    private var productCount = 0
    private let work: UnsafeMutablePointer<Work>
    private var shares = AlignedBuffer<Share>(count: 256)
    private var shareCount = 0
    private let packing: RowPacking
    private(set) var body: (_ index: Int, _ worker: Int) -> Void = { _, _ in }

    init(threads: Int) {
        packing = RowPacking(threads: threads)
        unsafe products = .allocate(capacity: Self.capacity)
        unsafe self.work = .allocate(capacity: 1)
        let work = unsafe self.work
        body = { index, worker in unsafe work.pointee.run(share: index, worker: worker) }
    }

    deinit {
        unsafe work.deallocate()
        unsafe products.deallocate()
    }

    @unsafe func append(_ product: BoundProduct) {
        precondition(productCount < Self.capacity, "more than \(Self.capacity) products at once")
        unsafe (products + productCount).initialize(to: product)
        productCount += 1
    }

    func removeAll() { productCount = 0 }

    /// Cuts the work into shares. Returns their number.
    @unsafe func set(_ rows: Work, threads: Int) -> Int {
        var work = unsafe rows
        unsafe work.products = UnsafePointer(products)
        unsafe work.productCount = productCount
        // Float weights are multiplied two groups at a time, and a block of quantised outputs takes two as well.
        let isPairwise = unsafe work.blocks == nil || work.followUp?.blocks != nil
        unsafe work.unitOutputs = isPairwise ? 2 * PackedMatrix.groupRows : PackedMatrix.groupRows
        if unsafe work.blocks != nil {
            unsafe work.packing = packing.parts(for: work.table, rows: work.count, perRow: work.blocksPerRow)
        }
        unsafe work.chunkRows = work.packing == nil ? work.count : RowPacking.chunkRows
        var (units, outputs) = (0, 0)
        for index in 0..<productCount {
            let rows = unsafe products[index].weight.rows
            outputs += rows
            if unsafe work.followUp == nil || index == 0 { unsafe units += work.units(rows) }
        }
        let operations = unsafe work.count * outputs * work.columns
        let chunks = unsafe (work.count + work.chunkRows - 1) / work.chunkRows
        cut(chunks: chunks, units: units, operations: operations, threads: threads)
        unsafe work.shares = UnsafePointer(shares.base)
        unsafe self.work.initialize(to: work)
        return shareCount
    }

    /// First large shares, which read memory in long runs, then, in the last two chunks, smaller and smaller ones, so
    /// that the threads end together. One of each chunk where the work is small.
    private func cut(chunks: Int, units: Int, operations: Int, threads: Int) {
        let isShared = threads > 1 && operations >= Compute.smallestSharedWork
        let least = isShared ? max(1, Compute.smallestSharedWork / 4 / max(1, operations / (units * chunks))) : units
        shareCount = 0
        for chunk in 0..<chunks {
            var start = 0
            while start < units {
                let rest = chunk < chunks - 2 ? units : units - start
                let end = start + min(units - start, max(least, rest / (2 * threads)))
                append(Share(chunk: chunk, first: start, end: end))
                start = end
            }
        }
    }

    private func append(_ share: Share) {
        if shareCount == shares.count {
            let grown = AlignedBuffer<Share>(count: 2 * shareCount)
            unsafe grown.base.update(from: shares.base, count: shareCount)
            shares = grown
        }
        shares[shareCount] = share
        shareCount += 1
    }
}

extension ProductLoop.Work {
    func units(_ outputs: Int) -> Int { unsafe (outputs + unitOutputs - 1) / unitOutputs }

    /// Distance between the rows of `blocks`.
    var blocksPerRow: Int { unsafe columns / KernelTable.blockElements }

    /// Computes a share of all products.
    func run(share index: Int, worker: Int) {
        guard let share = unsafe shares?[index], let products = unsafe products else { return }
        let rows = unsafe share.chunk * chunkRows..<min(count, (share.chunk + 1) * chunkRows)
        let blocks = unsafe blocks.map { unsafe $0 + rows.lowerBound * blocksPerRow }
        var packed: UnsafePointer<ck_block>?
        if let packing = unsafe packing, let blocks = unsafe blocks {
            unsafe packed = packing.packed(
                blocks, rows: rows.count, perRow: blocksPerRow, chunk: share.chunk, worker: worker)
        }
        let some = unsafe QuantisedRows(rows: rows, blocks: blocks, packed: packed)
        var (first, end) = (share.first, share.end)
        if let followUp = unsafe followUp {
            for index in unsafe 0..<productCount { unsafe multiply(products + index, units: first..<end, some) }
            return unsafe follow(followUp, products, units: first..<end, rows: rows)
        }
        for index in unsafe 0..<productCount {
            let units = unsafe units(products[index].weight.rows)
            if first < units { unsafe multiply(products + index, units: first..<min(end, units), some) }
            (first, end) = (max(0, first - units), end - units)
            if end <= 0 { return }
        }
    }

    /// The rows of a share, where they are quantised from the first of them on.
    @unsafe private struct QuantisedRows {
        let rows: Range<Int>
        let blocks: UnsafePointer<ck_block>?
        let packed: UnsafePointer<ck_block>?
    }

    private func outputs(_ product: UnsafePointer<BoundProduct>, units: Range<Int>) -> Range<Int> {
        unsafe units.lowerBound * unitOutputs..<min(product.pointee.weight.rows, units.upperBound * unitOutputs)
    }

    private func multiply(_ product: UnsafePointer<BoundProduct>, units: Range<Int>, _ some: QuantisedRows) {
        let first = unsafe some.rows.lowerBound
        unsafe table.multiply(
            product.pointee.weight, outputs: outputs(product, units: units), bias: product.pointee.bias,
            rows: ProductRows(
                count: some.rows.count, input: input + first * inputStride, inputStride: inputStride,
                blocks: some.blocks, packed: some.packed,
                output: product.pointee.output + first * product.pointee.outputStride,
                outputStride: product.pointee.outputStride))
    }

    /// The second product's outputs.
    private func up(
        _ products: UnsafePointer<BoundProduct>, _ outputs: Range<Int>, _ row: Int
    ) -> UnsafeMutablePointer<Float> {
        unsafe products[1].output + outputs.lowerBound + row * products[1].outputStride
    }

    /// The activation of the first product's outputs, which take the results.
    private func follow(
        _ followUp: ProductFollowUp, _ products: UnsafePointer<BoundProduct>, units: Range<Int>, rows: Range<Int>
    ) {
        let outputs = unsafe outputs(products, units: units)
        let (target, stride) = unsafe (products[0].output + outputs.lowerBound, products[0].outputStride)
        for row in rows {
            let y = unsafe target + row * stride
            switch unsafe followUp.activation {
            case .siluGated:
                unsafe table.slots.pointee.silu_multiply_f32(outputs.count, y, up(products, outputs, row), y)
            case .geluTanhGated:
                unsafe table.slots.pointee.gelu_tanh_f32(outputs.count, y)
                unsafe table.slots.pointee.multiply_elements(outputs.count, up(products, outputs, row), y)
            case .geluErfGated:
                unsafe table.slots.pointee.gelu_erf_f32(outputs.count, y)
                unsafe table.slots.pointee.multiply_elements(outputs.count, up(products, outputs, row), y)
            case .geluTanh: unsafe table.slots.pointee.gelu_tanh_f32(outputs.count, y)
            case .geluErf: unsafe table.slots.pointee.gelu_erf_f32(outputs.count, y)
            }
            guard let blocks = unsafe followUp.blocks, let quantisation = unsafe followUp.quantisation else { continue }
            let perRow = unsafe products[0].weight.rows / KernelTable.blockElements
            unsafe table.quantize(
                count: outputs.count, for: quantisation, input: y,
                output: blocks + row * perRow + outputs.lowerBound / KernelTable.blockElements)
        }
    }
}
