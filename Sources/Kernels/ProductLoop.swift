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
        /// Outputs of a unit: shares begin at multiples of it within each product.
        var unitOutputs = PackedMatrix.groupRows
        /// Units where the shares begin, and at last where they end.
        var starts: UnsafePointer<Int>?
    }

    /// Products that can run together.
    static let capacity = 8
    private let products: UnsafeMutablePointer<BoundProduct>
    private var productCount = 0
    private let work: UnsafeMutablePointer<Work>
    private var starts = AlignedBuffer<Int>(count: 256)
    private(set) var body: (_ index: Int, _ worker: Int) -> Void = { _, _ in }

    init() {
        unsafe products = .allocate(capacity: Self.capacity)
        unsafe self.work = .allocate(capacity: 1)
        let work = unsafe self.work
        body = { index, _ in unsafe work.pointee.run(share: index) }
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

    /// Cuts the work into shares: first large ones, which read memory in long runs, then smaller and smaller ones, so
    /// that the threads end together. A single one where the work is small. Returns their number.
    @unsafe func set(_ rows: Work, threads: Int) -> Int {
        var work = unsafe rows
        unsafe work.products = UnsafePointer(products)
        unsafe work.productCount = productCount
        // Float weights are multiplied two groups at a time, and a block of quantised outputs takes two as well.
        let isPairwise = unsafe work.blocks == nil || work.followUp?.blocks != nil
        unsafe work.unitOutputs = isPairwise ? 2 * PackedMatrix.groupRows : PackedMatrix.groupRows
        var (units, outputs) = (0, 0)
        for index in 0..<productCount {
            let rows = unsafe products[index].weight.rows
            outputs += rows
            if unsafe work.followUp == nil || index == 0 { unsafe units += work.units(rows) }
        }
        let shares = unsafe cut(units: units, operations: work.count * outputs * work.columns, threads: threads)
        unsafe work.starts = UnsafePointer(starts.base)
        unsafe self.work.initialize(to: work)
        return shares
    }

    private func cut(units: Int, operations: Int, threads: Int) -> Int {
        let isShared = threads > 1 && operations >= Compute.smallestSharedWork
        let least = isShared ? max(1, Compute.smallestSharedWork / 4 / max(1, operations / units)) : units
        var (shares, start) = (0, 0)
        while start < units {
            if shares + 2 > starts.count { grow() }
            starts[shares] = start
            shares += 1
            start += min(units - start, max(least, (units - start) / (2 * threads)))
        }
        starts[shares] = units
        return shares
    }

    private func grow() {
        let grown = AlignedBuffer<Int>(count: 2 * starts.count)
        unsafe grown.base.update(from: starts.base, count: starts.count)
        starts = grown
    }
}

extension ProductLoop.Work {
    func units(_ outputs: Int) -> Int { unsafe (outputs + unitOutputs - 1) / unitOutputs }

    /// Computes a share of all products.
    func run(share: Int) {
        guard let starts = unsafe starts, let products = unsafe products else { return }
        var (first, end) = unsafe (starts[share], starts[share + 1])
        if let followUp = unsafe followUp {
            for index in unsafe 0..<productCount { unsafe multiply(products + index, units: first..<end) }
            return unsafe follow(followUp, products, units: first..<end)
        }
        for index in unsafe 0..<productCount {
            let units = unsafe units(products[index].weight.rows)
            if first < units { unsafe multiply(products + index, units: first..<min(end, units)) }
            (first, end) = (max(0, first - units), end - units)
            if end <= 0 { return }
        }
    }

    private func outputs(_ product: UnsafePointer<BoundProduct>, units: Range<Int>) -> Range<Int> {
        unsafe units.lowerBound * unitOutputs..<min(product.pointee.weight.rows, units.upperBound * unitOutputs)
    }

    private func multiply(_ product: UnsafePointer<BoundProduct>, units: Range<Int>) {
        unsafe table.multiply(
            product.pointee.weight, outputs: outputs(product, units: units), bias: product.pointee.bias,
            rows: ProductRows(
                count: count, input: input, inputStride: inputStride, blocks: blocks, output: product.pointee.output,
                outputStride: product.pointee.outputStride))
    }

    /// The second product's outputs.
    private func up(
        _ products: UnsafePointer<BoundProduct>, _ outputs: Range<Int>, _ row: Int
    ) -> UnsafeMutablePointer<Float> {
        unsafe products[1].output + outputs.lowerBound + row * products[1].outputStride
    }

    /// The activation of the first product's outputs, which take the results.
    private func follow(_ followUp: ProductFollowUp, _ products: UnsafePointer<BoundProduct>, units: Range<Int>) {
        let outputs = unsafe outputs(products, units: units)
        let (target, stride) = unsafe (products[0].output + outputs.lowerBound, products[0].outputStride)
        for row in unsafe 0..<count {
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
