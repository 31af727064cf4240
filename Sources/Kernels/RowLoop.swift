internal import CKernels
internal import Tensors

/// Norm and quantisation of rows while the team works on them: what stands between two products, in one go. Everything
/// is written by the owner before the team starts, and read by the threads.
@safe final class RowLoop {
    /// What the threads read: plain addresses and counts, so that no reference count is touched by two of them.
    @unsafe struct Work {
        var table: KernelTable
        var count = 0
        var columns = 0
        /// Rows of an index.
        var share = 1
        /// Is added to `input` first, and stays there.
        var addend: UnsafePointer<Float>?
        var addendStride = 0
        var input: UnsafeMutablePointer<Float>
        var inputStride = 0
        var norm: Compute.NormKind?
        var weight: UnsafePointer<Float>?
        var bias: UnsafePointer<Float>?
        var output: UnsafeMutablePointer<Float>
        var outputStride = 0
        var first: (quantisation: ActivationQuantisation, blocks: UnsafeMutablePointer<ck_block>)?
        var second: (quantisation: ActivationQuantisation, blocks: UnsafeMutablePointer<ck_block>)?
    }

    private let work: UnsafeMutablePointer<Work>
    private(set) var body: (_ index: Int, _ worker: Int) -> Void = { _, _ in }

    init() {
        unsafe work = .allocate(capacity: 1)
        let work = unsafe work
        body = { index, _ in unsafe work.pointee.run(index: index) }
    }

    deinit { unsafe work.deallocate() }

    /// Sets the work and returns the number of indices.
    @unsafe func set(_ work: Work) -> Int {
        unsafe self.work.initialize(to: work)
        return unsafe (work.count + work.share - 1) / work.share
    }
}

extension RowLoop.Work {
    func run(index: Int) {
        for row in unsafe index * share..<min(count, (index + 1) * share) {
            let x = unsafe input + row * inputStride
            if let addend = unsafe addend {
                unsafe table.slots.pointee.add_f32(columns, addend + row * addendStride, x)
            }
            let y = unsafe output + row * outputStride
            if let norm = unsafe norm, let weight = unsafe weight {
                switch norm {
                case .rms(let epsilon): unsafe table.slots.pointee.rms_norm_f32(columns, epsilon, x, weight, y)
                case .layer(let epsilon):
                    unsafe table.slots.pointee.layer_norm_f32(columns, epsilon, x, weight, bias, y)
                }
            }
            unsafe quantise(y, row: row, first)
            unsafe quantise(y, row: row, second)
        }
    }

    private func quantise(
        _ y: UnsafePointer<Float>, row: Int,
        _ target: (quantisation: ActivationQuantisation, blocks: UnsafeMutablePointer<ck_block>)?
    ) {
        guard let (quantisation, blocks) = unsafe target else { return }
        unsafe table.quantize(
            count: columns, for: quantisation, input: y, output: blocks + row * (columns / KernelTable.blockElements))
    }
}
