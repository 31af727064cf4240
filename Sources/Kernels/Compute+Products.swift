internal import CKernels
internal import Tensors

/// Products with weight matrices.
extension Compute {
    /// One product with a weight matrix: `output[outputRow + r, outputColumn + j] = Σ_i weight[j, i] · input[r, i] +
    /// bias[j]`. The columns from `outputColumn` on have room for the weight's rows.
    public struct Product {
        let weight: PackedMatrix
        let bias: AlignedBuffer<Float>?
        let output: ActivationRows
        let outputColumn: Int

        public init(_ weight: PackedMatrix, bias: [Float]?, output: ActivationRows, outputColumn: Int = 0) {
            self.weight = weight
            self.bias = bias.map { values in
                let copy = AlignedBuffer<Float>(count: values.count)
                for index in values.indices { copy[index] = values[index] }
                return copy
            }
            self.output = output
            self.outputColumn = outputColumn
        }

        /// How the product wants its input quantised; nil where it takes f32.
        public var quantisation: ActivationQuantisation? { weight.dtype.activationQuantisation }

        func check(_ input: ActivationRows, rows: Range<Int>) {
            let (m, k) = (weight.rows, weight.columns)
            precondition(k == input.columns, "weight [\(m), \(k)], \(input.columns) columns")
            let biases = bias?.count ?? m
            precondition(biases == m, "bias of \(biases) for \(m) outputs")
            precondition(
                outputColumn >= 0 && m <= output.columns - outputColumn, "\(m) outputs from \(outputColumn)")
            precondition(input !== output, "input and output are the same rows")
            output.check(rows)
        }

        @unsafe func bound(outputRow: Int) -> BoundProduct {
            unsafe BoundProduct(
                weight: weight.weights, bias: bias.map { unsafe UnsafePointer($0.base) },
                output: output.pointer(outputRow) + outputColumn, outputStride: output.stride)
        }
    }

    /// What stands between the matrices of a feed-forward.
    public enum Activation: Sendable {
        /// silu(first) · second, of two products of the same height (Shazeer, arXiv 2002.05202).
        case siluGated
        /// gelu(first) · second.
        case geluTanhGated, geluErfGated
        /// Of one product; see `geluTanh` and `geluErf`.
        case geluTanh, geluErf

        /// Products that it joins.
        public var productCount: Int {
            switch self {
            case .siluGated, .geluTanhGated, .geluErfGated: 2
            case .geluTanh, .geluErf: 1
            }
        }
    }

    /// Products of the same rows: `input[inputRows.lower + r]` gives row `outputRow + r` of each product's output.
    ///
    /// The weights are `[m, k]` of any type, `k = input.columns`. For quantised weights each 32 activations of a row
    /// are rounded to 8-bit integers with a common scale, and sums of products are exact within such a block; other
    /// weights count as their f32 values. ckernels.h has the order of the sums. No output is the input. With
    /// `isQuantised` the rows stand quantised beside `input` already, in the way that each product wants.
    public func multiply(
        _ products: [Product], input: ActivationRows, inputRows: Range<Int>, outputRow: Int, isQuantised: Bool = false
    ) {
        input.check(inputRows)
        for product in products { product.check(input, rows: outputRow..<outputRow + inputRows.count) }
        guard !inputRows.isEmpty else { return }
        var first = 0
        while first < products.count {
            // Those that want the same activations run together.
            let quantisation = products[first].quantisation
            productLoop.removeAll()
            var end = first
            while end < products.count, end - first < ProductLoop.capacity, products[end].quantisation == quantisation {
                unsafe productLoop.append(products[end].bound(outputRow: outputRow))
                end += 1
            }
            if let quantisation, !isQuantised { quantise(input, inputRows, for: quantisation) }
            unsafe runProducts(input, inputRows, quantisation, followUp: nil)
            first = end
        }
    }

    /// One product; see `multiply(_:input:inputRows:outputRow:isQuantised:)`.
    public func multiply(
        _ weight: PackedMatrix, bias: [Float]?, input: ActivationRows, inputRows: Range<Int>, output: ActivationRows,
        outputRow: Int, outputColumn: Int = 0
    ) {
        multiply(
            [Product(weight, bias: bias, output: output, outputColumn: outputColumn)], input: input,
            inputRows: inputRows, outputRow: outputRow)
    }

    /// Products and what stands between them and the next matrix, in one go: the first product's output takes the
    /// results, and beside it stand the same quantised as `next` wants them. The bits are those of one after the other.
    public func multiply(
        _ products: [Product], activation: Activation, next: ActivationQuantisation?, input: ActivationRows,
        rows: Range<Int>, isQuantised: Bool
    ) {
        precondition(products.count == activation.productCount, "\(products.count) products")
        let output = products[0].output
        for product in products {
            product.check(input, rows: rows)
            precondition(
                product.outputColumn == 0 && product.weight.rows == output.columns, "outputs that are not whole rows")
        }
        guard !rows.isEmpty else { return }
        let quantisation = products[0].quantisation
        guard products.allSatisfy({ $0.quantisation == quantisation }) else {
            multiply(products, input: input, inputRows: rows, outputRow: rows.lowerBound, isQuantised: isQuantised)
            activate(products, activation, rows: rows)
            if let next { quantise(output, rows, for: next) }
            return
        }
        if let quantisation, !isQuantised { quantise(input, rows, for: quantisation) }
        productLoop.removeAll()
        for product in products { unsafe productLoop.append(product.bound(outputRow: rows.lowerBound)) }
        let blocks = unsafe next.map { unsafe output.blocks(for: $0) + rows.lowerBound * output.blocksPerRow }
        unsafe runProducts(
            input, rows, quantisation,
            followUp: ProductFollowUp(activation: activation, blocks: blocks, quantisation: next))
    }

    private func activate(_ products: [Product], _ activation: Activation, rows: Range<Int>) {
        switch activation {
        case .siluGated: siluMultiply(gate: products[0].output, up: products[1].output, rows: rows)
        case .geluTanh, .geluTanhGated: geluTanh(products[0].output, rows: rows)
        case .geluErf, .geluErfGated: geluErf(products[0].output, rows: rows)
        }
        guard activation == .geluTanhGated || activation == .geluErfGated else { return }
        multiply(products[1].output, rows: rows, into: products[0].output)
    }

    /// Shares the outputs of all products of `productLoop` between the threads.
    @unsafe private func runProducts(
        _ input: ActivationRows, _ rows: Range<Int>, _ quantisation: ActivationQuantisation?,
        followUp: ProductFollowUp?
    ) {
        let blocks = unsafe quantisation.map {
            unsafe UnsafePointer(input.blocks(for: $0)) + rows.lowerBound * input.blocksPerRow
        }
        let work = unsafe ProductLoop.Work(
            table: table, count: rows.count, columns: input.columns, input: input.pointer(rows.lowerBound),
            inputStride: input.stride, blocks: blocks, followUp: followUp)
        team.run(kept: productLoop.body, count: unsafe productLoop.set(work, threads: threadCount))
    }
}
