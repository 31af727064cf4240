internal import Kernels
internal import ModelFiles
internal import Tensors

/// A tensor of a GGUF file and how it is made.
struct GGUFPlannedTensor {
    let name: String
    let shape: [Int]
    /// Norms, biases, routers and tables of positions stay f32, as llama.cpp wants them.
    let isMatrix: Bool
    let make: () throws -> Tensor

    /// The type to store where `wanted` is that of matrices.
    func type(wanted: DType) -> DType {
        guard isMatrix else { return .f32 }
        return (shape.last ?? 1) % wanted.blockElements == 0 ? wanted : .f16
    }
}

/// The tensors of a GGUF file, role by role from those of another format.
struct GGUFTensorPlan {
    private(set) var tensors: [GGUFPlannedTensor] = []
    private let directory: TensorDirectory
    private let model: ModelConfiguration
    private let pairsNeighbours: Bool
    private let isTransposed: Bool
    private let normOffset: Float

    /// `pairsNeighbours`: rows of queries and keys are reordered so that the two of a pair stand side by side.
    init(
        directory: TensorDirectory, from source: TensorNames, to target: TensorNames, model: ModelConfiguration,
        pairsNeighbours: Bool
    ) throws {
        self.directory = directory
        self.model = model
        self.pairsNeighbours = pairsNeighbours
        isTransposed = source.isTransposed
        normOffset = source.normOffset
        try addMatrix(source.embedding, target.embedding, isConv: false)
        if let from = source.positionEmbedding, let to = target.positionEmbedding {
            try add(from + ".weight", to + ".weight", isMatrix: false) { $0 }
        }
        try addNorm(source.finalNorm, target.finalNorm)
        if directory.info(named: source.output + ".weight") != nil {
            try addMatrix(source.output, target.output, isConv: false)
        }
        for index in 0..<model.layerCount { try addLayer(source.layer(index), target.layer(index), index: index) }
    }

    private mutating func addLayer(_ from: TensorNames.Layer, _ to: TensorNames.Layer, index: Int) throws {
        try addNorm(from.attentionNorm, to.attentionNorm)
        if from.queryKeyValue.count == 1 {
            let rows = from.fusedOrder == .byKVHead && model.kvHeads > 1 ? model.rowsByKind : nil
            try addMatrix(from.queryKeyValue[0], to.queryKeyValue[0], rows: rows)
        } else {
            let orders = [pairedRows(heads: model.queryHeads), pairedRows(heads: model.kvHeads), nil]
            for (part, rows) in orders.enumerated() {
                try addMatrix(from.queryKeyValue[part], to.queryKeyValue[part], rows: rows)
            }
        }
        if model.queryKeyNorm != nil {
            try addHeadNorm(from.queryNorm, to.queryNorm)
            try addHeadNorm(from.keyNorm, to.keyNorm)
        }
        try addMatrix(from.attentionOutput, to.attentionOutput)
        try addNorm(from.attentionPostNorm, to.attentionPostNorm)
        try addNorm(from.feedForwardNorm, to.feedForwardNorm)
        if model.layers[index].experts != nil, let from = from.experts, let to = to.experts {
            try addExperts(from, to, count: model.layers[index].experts?.count ?? 0)
        } else {
            if let gate = from.gate, let target = to.gate, gate != from.up { try addMatrix(gate, target) }
            try addMatrix(from.up, to.up)
            try addMatrix(from.down, to.down)
        }
        try addNorm(from.feedForwardPostNorm, to.feedForwardPostNorm)
    }

    private mutating func addExperts(_ from: TensorNames.Experts, _ to: TensorNames.Experts, count: Int) throws {
        try add(from.router + ".weight", to.router + ".weight", isMatrix: false) { $0 }
        for (source, target) in [(from.gate, to.gate), (from.up, to.up), (from.down, to.down)] {
            guard case .each(let name) = source, case .stacked(let stack) = target else { continue }
            let names = (0..<count).map { name($0) + ".weight" }
            let first = try info(names[0])
            let directory = directory
            tensors.append(
                GGUFPlannedTensor(name: stack, shape: [count] + first.shape, isMatrix: true) {
                    Tensor.stacking(try names.map { try directory.tensor(named: $0, shape: first.shape) })
                })
        }
    }

    // MARK: Kinds of tensors

    private mutating func addMatrix(_ from: String, _ to: String, rows: [Int]? = nil, isConv: Bool = true) throws {
        let transposes = isTransposed && isConv
        try add(from + ".weight", to + ".weight", isMatrix: true, transposes: transposes) { tensor in
            let matrix = transposes ? tensor.transposed() : tensor
            return rows.map { matrix.gathering(rows: $0) } ?? matrix
        }
        guard directory.info(named: from + ".bias") != nil else { return }
        try add(from + ".bias", to + ".bias", isMatrix: false) { bias in
            guard let rows else { return bias }
            let values = bias.floats()
            return Tensor(shape: bias.shape, values: rows.map { values[$0] })
        }
    }

    private mutating func addNorm(_ from: String?, _ to: String?) throws {
        guard let from, let to else { return }
        let offset = normOffset
        try add(from + ".weight", to + ".weight", isMatrix: false) { weight in
            offset == 0 ? weight : Tensor(shape: weight.shape, values: weight.floats().map { $0 + offset })
        }
        guard directory.info(named: from + ".bias") != nil else { return }
        try add(from + ".bias", to + ".bias", isMatrix: false) { $0 }
    }

    private mutating func addHeadNorm(_ from: [String], _ to: [String]) throws {
        guard from.count > 1, let target = to.first else { return try addNorm(from.first, to.first) }
        let (directory, width) = (directory, model.headDim)
        tensors.append(
            GGUFPlannedTensor(name: target + ".weight", shape: [from.count, width], isMatrix: false) {
                Tensor.stacking(try from.map { try directory.tensor(named: $0 + ".weight", shape: [width]) })
            })
    }

    private mutating func add(
        _ from: String, _ to: String, isMatrix: Bool, transposes: Bool = false, _ change: @escaping (Tensor) -> Tensor
    ) throws {
        let (info, directory) = (try info(from), directory)
        tensors.append(
            GGUFPlannedTensor(name: to, shape: transposes ? info.shape.reversed() : info.shape, isMatrix: isMatrix) {
                change(try directory.tensor(named: from))
            })
    }

    private func info(_ name: String) throws -> TensorInfo {
        if let info = directory.info(named: name) { return info }
        _ = try directory.tensor(named: name)
        preconditionFailure("a tensor without its description")
    }

    /// Rows 2i and 2i + 1 of each head are its rows i and i + headDim/2; nil where the order stays.
    private func pairedRows(heads: Int) -> [Int]? {
        guard pairsNeighbours else { return nil }
        let (width, half) = (model.headDim, model.headDim / 2)
        return (0..<heads * width).map { row in
            let (head, index) = (row / width * width, row % width)
            return head + index / 2 + (index % 2) * half
        }
    }
}

extension Tensor {
    /// Tensors of one shape and type on top of each other.
    static func stacking(_ parts: [Tensor]) -> Tensor {
        let shape = [parts.count] + (parts.first?.shape ?? [])
        return Tensor(shape: shape, values: parts.flatMap { $0.floats() })
    }
}
