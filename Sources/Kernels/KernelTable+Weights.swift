internal import CKernels
internal import Tensors

/// Where the rows of a product stand and where its results go. Strides count elements.
@unsafe struct ProductRows {
    let count: Int
    /// `[count, k]` f32.
    let input: UnsafePointer<Float>
    let inputStride: Int
    /// The same rows quantised for the weights, `[count, k / 32]`, where the weights are quantised.
    let blocks: UnsafePointer<ck_block>?
    /// The same as the table packs them, where it does.
    let packed: UnsafePointer<ck_block>?
    /// `[count, outputs]`
    let output: UnsafeMutablePointer<Float>
    let outputStride: Int
}

/// The slots that read weights.
extension KernelTable {
    /// Products of all rows with the weight rows `outputs`, which begin with a group.
    @unsafe func multiply(
        _ weight: PackedWeights, outputs: Range<Int>, bias: UnsafePointer<Float>?, rows: ProductRows
    ) {
        let slots = unsafe slots.pointee
        let bias = unsafe bias.map { unsafe $0 + outputs.lowerBound }
        switch unsafe weight.dtype {
        case .f32: unsafe run(slots.multiply_f32, weight, outputs, bias, rows)
        case .f16: unsafe run(slots.multiply_f16, weight, outputs, bias, rows)
        case .bf16: unsafe run(slots.multiply_bf16, weight, outputs, bias, rows)
        case .q8_0: unsafe run(slots.multiply_q8_0, weight, outputs, bias, rows)
        case .q4_0: unsafe run(slots.multiply_q4_0, weight, outputs, bias, rows)
        case .q4_1: unsafe run(slots.multiply_q4_1, weight, outputs, bias, rows)
        case .q5_0: unsafe run(slots.multiply_q5_0, weight, outputs, bias, rows)
        case .q5_1: unsafe run(slots.multiply_q5_1, weight, outputs, bias, rows)
        case .iq4_nl: unsafe run(slots.multiply_iq4_nl, weight, outputs, bias, rows)
        case .q2_k: unsafe run(slots.multiply_q2_k, weight, outputs, bias, rows)
        case .q3_k: unsafe run(slots.multiply_q3_k, weight, outputs, bias, rows)
        case .q4_k: unsafe run(slots.multiply_q4_k, weight, outputs, bias, rows)
        case .q5_k: unsafe run(slots.multiply_q5_k, weight, outputs, bias, rows)
        case .q6_k: unsafe run(slots.multiply_q6_k, weight, outputs, bias, rows)
        case .q8_k: unsafe run(slots.multiply_q8_k, weight, outputs, bias, rows)
        case .iq4_xs: unsafe run(slots.multiply_iq4_xs, weight, outputs, bias, rows)
        case .tq1_0, .tq2_0: unsafe run(slots.multiply_tq2_0, weight, outputs, bias, rows)
        }
    }

    @unsafe private func run(
        _ kernel: ck_multiply_floats_fn, _ weight: PackedWeights, _ outputs: Range<Int>, _ bias: UnsafePointer<Float>?,
        _ rows: ProductRows
    ) {
        unsafe kernel(
            rows.count, outputs.count, weight.columns, weight.group(ofRow: outputs.lowerBound), rows.input,
            rows.inputStride, bias, rows.output + outputs.lowerBound, rows.outputStride)
    }

    @unsafe private func run(
        _ kernel: ck_multiply_blocks_fn, _ weight: PackedWeights, _ outputs: Range<Int>, _ bias: UnsafePointer<Float>?,
        _ rows: ProductRows
    ) {
        unsafe kernel(
            rows.count, outputs.count, weight.columns, weight.group(ofRow: outputs.lowerBound), rows.blocks,
            weight.columns / Self.blockElements, rows.packed, bias, rows.output + outputs.lowerBound, rows.outputStride)
    }

    /// Elements of a block of quantised activations.
    static let blockElements = 32

    /// Quantises `count` activations, whole blocks, for products with weights of the type.
    @unsafe func quantize(
        count: Int, for quantisation: ActivationQuantisation, input: UnsafePointer<Float>,
        output: UnsafeMutablePointer<ck_block>
    ) {
        unsafe slots.pointee.quantize(count, quantisation.zero, quantisation.span, input, output)
    }

    /// `output[i]` = the value of element i of `weights`, which holds `count` elements of `type` in whole blocks.
    @unsafe func dequantize(count: Int, weights: UnsafeRawPointer, type: DType, output: UnsafeMutablePointer<Float>) {
        let slots = unsafe slots.pointee
        switch type {
        case .f32: unsafe UnsafeMutableRawPointer(output).copyMemory(from: weights, byteCount: count * 4)
        case .f16: unsafe slots.dequantize_f16(count, weights, output)
        case .bf16: unsafe slots.dequantize_bf16(count, weights, output)
        case .q8_0: unsafe slots.dequantize_q8_0(count, weights, output)
        case .q4_0: unsafe slots.dequantize_q4_0(count, weights, output)
        case .q4_1: unsafe slots.dequantize_q4_1(count, weights, output)
        case .q5_0: unsafe slots.dequantize_q5_0(count, weights, output)
        case .q5_1: unsafe slots.dequantize_q5_1(count, weights, output)
        case .iq4_nl: unsafe slots.dequantize_iq4_nl(count, weights, output)
        case .q2_k: unsafe slots.dequantize_q2_k(count, weights, output)
        case .q3_k: unsafe slots.dequantize_q3_k(count, weights, output)
        case .q4_k: unsafe slots.dequantize_q4_k(count, weights, output)
        case .q5_k: unsafe slots.dequantize_q5_k(count, weights, output)
        case .q6_k: unsafe slots.dequantize_q6_k(count, weights, output)
        case .q8_k: unsafe slots.dequantize_q8_k(count, weights, output)
        case .iq4_xs: unsafe slots.dequantize_iq4_xs(count, weights, output)
        case .tq1_0: unsafe slots.dequantize_tq1_0(count, weights, output)
        case .tq2_0: unsafe slots.dequantize_tq2_0(count, weights, output)
        }
    }
}
