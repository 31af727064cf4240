internal import Kernels
internal import ModelFiles
internal import Tensors

/// Finds a model's tensors by their names in the file and checks their shapes against the configuration. Every tensor
/// of the file has to be for something: what is left over would be arithmetic that is not there.
struct WeightBinding {
    private let directory: TensorDirectory
    private let names: TensorNames
    private let model: ModelConfiguration
    private var used: Set<String> = []

    init(directory: TensorDirectory, names: TensorNames, configuration: ModelConfiguration) {
        self.directory = directory
        self.names = names
        model = configuration
    }

    /// All weights; `progress` hears the share of layers that are bound.
    mutating func bind(progress: (Double) -> Void) throws -> ModelWeights {
        let embedding = try tensor(names.embedding + ".weight", shape: [model.vocabularySize, model.hiddenSize])
        var positions: Tensor?
        if let name = names.positionEmbedding {
            positions = try tensor(name + ".weight", shape: [model.contextLength, model.hiddenSize])
        }
        var layers: [LayerWeights] = []
        for index in 0..<model.layerCount {
            layers.append(try layer(names.layer(index), index: index))
            progress(Double(index + 1) / Double(model.layerCount))
        }
        let outputShape = [model.vocabularySize, model.hiddenSize]
        let output =
            directory.info(named: names.output + ".weight") == nil
            ? Linear(weight: PackedMatrix(embedding), bias: nil)
            : Linear(
                weight: PackedMatrix(try tensor(names.output + ".weight", shape: outputShape)),
                bias: try vector(names.output + ".bias", count: model.vocabularySize))
        let weights = ModelWeights(
            embedding: embedding, positionEmbedding: positions, layers: layers, finalNorm: try norm(names.finalNorm),
            output: output)
        try requireAllUsed()
        return weights
    }

    private func requireAllUsed() throws(ModelError) {
        for name in directory.names where !used.contains(name) {
            let isIgnored = names.ignored.contains { $0.hasPrefix(".") ? name.hasSuffix($0) : name == $0 }
            guard !isIgnored else { continue }
            throw .unsupported(
                file: directory.source, field: "tensor \(name)", found: "not part of family \(model.family)",
                wanted: "files without this tensor")
        }
    }

    // MARK: Layers

    private mutating func layer(_ names: TensorNames.Layer, index: Int) throws -> LayerWeights {
        let (hidden, query) = (model.hiddenSize, model.queryHeads * model.headDim)
        let isNormed = model.queryKeyNorm != nil
        return LayerWeights(
            attentionNorm: try names.attentionNorm.map { try norm($0) },
            queryKeyValue: try queryKeyValue(names),
            queryNorm: isNormed ? try headNorm(names.queryNorm, heads: model.queryHeads) : nil,
            keyNorm: isNormed ? try headNorm(names.keyNorm, heads: model.kvHeads) : nil,
            attentionOutput: try linear(names.attentionOutput, out: hidden, in: query),
            attentionPostNorm: try names.attentionPostNorm.map { try norm($0) },
            feedForwardNorm: try names.feedForwardNorm.map { try norm($0) },
            feedForward: try feedForward(names, layer: model.layers[index]),
            feedForwardPostNorm: try names.feedForwardPostNorm.map { try norm($0) })
    }

    private mutating func queryKeyValue(_ names: TensorNames.Layer) throws -> [Linear] {
        let (query, keyValue) = (model.queryHeads * model.headDim, model.kvHeads * model.headDim)
        guard names.queryKeyValue.count == 1 else {
            var linears: [Linear] = []
            for (name, width) in zip(names.queryKeyValue, [query, keyValue, keyValue]) {
                linears.append(try linear(name, out: width, in: model.hiddenSize))
            }
            return linears
        }
        let rows = names.fusedOrder == .byKVHead && model.kvHeads > 1 ? model.rowsByKind : nil
        return [
            try linear(names.queryKeyValue[0], out: query + 2 * keyValue, in: model.hiddenSize, rows: rows)
        ]
    }

    /// The weights of a norm over queries or keys for all their heads.
    private mutating func headNorm(_ names: [String], heads: Int) throws -> [Float] {
        let width = model.headDim
        guard names.count == 1, let name = names.first else {
            var weights: [Float] = []
            for name in names { weights += try tensor(name + ".weight", shape: [width]).floats() }
            return weights
        }
        let all = heads * width
        if model.queryKeyNorm == .projection { return try norm(name, count: all).weight }
        // One for all heads, or for each its own.
        guard directory.info(named: name + ".weight")?.shape == [heads, width] else {
            let weight = try norm(name, count: width).weight
            return (0..<heads).flatMap { _ in weight }
        }
        return try tensor(name + ".weight", shape: [heads, width]).floats()
    }

    // MARK: Feed-forwards

    private mutating func feedForward(
        _ names: TensorNames.Layer, layer: ModelConfiguration.Layer
    ) throws -> LayerWeights.FeedForward {
        if let experts = layer.experts {
            guard let names = names.experts else { preconditionFailure("family \(model.family) names no experts") }
            return .experts(try self.experts(names, experts))
        }
        let (hidden, size) = (model.hiddenSize, model.feedForward.size)
        let down = try linear(names.down, out: hidden, in: size)
        guard names.gate == names.up else {
            var gate: Linear?
            if let name = names.gate { gate = try linear(name, out: size, in: hidden) }
            return .dense(FeedForwardWeights(gate: gate, up: try linear(names.up, out: size, in: hidden), down: down))
        }
        let both = try tensor(names.up + ".weight", shape: [2 * size, hidden])
        let bias = try vector(names.up + ".bias", count: 2 * size)
        func half(_ rows: Range<Int>) -> Linear {
            Linear(weight: PackedMatrix(both.rows(rows)), bias: bias.map { Array($0[rows]) })
        }
        return .dense(FeedForwardWeights(gate: half(0..<size), up: half(size..<2 * size), down: down))
    }

    private mutating func experts(
        _ names: TensorNames.Experts, _ experts: ModelConfiguration.Experts
    ) throws -> ExpertWeights {
        let (hidden, size) = (model.hiddenSize, experts.size)
        let router = try linear(names.router, out: experts.count, in: hidden)
        var all: [FeedForwardWeights] = []
        for index in 0..<experts.count {
            func part(_ part: TensorNames.Experts.Part, out: Int, in width: Int) throws -> Linear {
                switch part {
                case .each(let name): return try linear(name(index), out: out, in: width)
                case .stacked(let name):
                    let stack = try tensor(name, shape: [experts.count, out, width])
                    return Linear(weight: PackedMatrix(stack.element(index)), bias: nil)
                }
            }
            all.append(
                FeedForwardWeights(
                    gate: try part(names.gate, out: size, in: hidden), up: try part(names.up, out: size, in: hidden),
                    down: try part(names.down, out: hidden, in: size)))
        }
        return ExpertWeights(router: router, experts: all)
    }

    // MARK: Tensors

    private mutating func tensor(_ name: String, shape: [Int]) throws(ModelFileError) -> Tensor {
        used.insert(name)
        return try directory.tensor(named: name, shape: shape)
    }

    /// The matrix, with only the given rows in their order where these are named.
    private mutating func linear(_ name: String, out: Int, in width: Int, rows: [Int]? = nil) throws -> Linear {
        var bias = try vector(name + ".bias", count: out)
        var stored =
            names.isTransposed
            ? try tensor(name + ".weight", shape: [width, out]).transposed()
            : try tensor(name + ".weight", shape: [out, width])
        if let rows {
            stored = stored.gathering(rows: rows)
            bias = bias.map { bias in rows.map { bias[$0] } }
        }
        return Linear(weight: PackedMatrix(stored), bias: bias)
    }

    private mutating func norm(_ name: String, count: Int? = nil) throws -> Norm {
        let count = count ?? model.hiddenSize
        var weight = try tensor(name + ".weight", shape: [count]).floats()
        if names.normOffset != 0 { weight = weight.map { $0 + names.normOffset } }
        return Norm(weight: weight, bias: try vector(name + ".bias", count: count))
    }

    /// The vector, or nil where the file has none.
    private mutating func vector(_ name: String, count: Int) throws -> [Float]? {
        guard directory.info(named: name) != nil else { return nil }
        return try tensor(name, shape: [count]).floats()
    }
}
