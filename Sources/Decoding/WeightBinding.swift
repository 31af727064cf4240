internal import Kernels
internal import ModelFiles
internal import Tensors

/// Finds a model's tensors by their names in the file and checks their shapes against the configuration.
struct WeightBinding {
    let directory: TensorDirectory
    let names: TensorNames
    let configuration: ModelConfiguration

    /// All weights; `progress` hears the share of layers that are bound.
    func bind(progress: (Double) -> Void) throws -> ModelWeights {
        let model = configuration
        let embedding = try directory.tensor(
            named: names.embedding + ".weight", shape: [model.vocabularySize, model.hiddenSize])
        let positions = try names.positionEmbedding.map {
            try directory.tensor(named: $0 + ".weight", shape: [model.contextLength, model.hiddenSize])
        }
        var layers: [LayerWeights] = []
        for index in 0..<model.layerCount {
            layers.append(try layer(names.layer(index)))
            progress(Double(index + 1) / Double(model.layerCount))
        }
        let output =
            directory.info(named: names.output + ".weight") == nil
            ? Linear(weight: PackedMatrix(embedding), bias: nil)
            : Linear(
                weight: PackedMatrix(
                    try directory.tensor(
                        named: names.output + ".weight", shape: [model.vocabularySize, model.hiddenSize])),
                bias: try vector(names.output + ".bias", count: model.vocabularySize))
        return ModelWeights(
            embedding: embedding, positionEmbedding: positions, layers: layers, finalNorm: try norm(names.finalNorm),
            output: output)
    }

    private func layer(_ names: TensorNames.Layer) throws -> LayerWeights {
        let model = configuration
        let (hidden, feedForward) = (model.hiddenSize, model.feedForwardSize)
        let (query, keyValue) = (model.queryHeads * model.headDim, model.kvHeads * model.headDim)
        let widths = names.queryKeyValue.count == 1 ? [query + 2 * keyValue] : [query, keyValue, keyValue]
        return LayerWeights(
            attentionNorm: try norm(names.attentionNorm),
            queryKeyValue: try zip(names.queryKeyValue, widths).map { try linear($0, out: $1, in: hidden) },
            attentionOutput: try linear(names.attentionOutput, out: hidden, in: query),
            feedForwardNorm: try names.feedForwardNorm.map(norm),
            gate: try names.gate.map { try linear($0, out: feedForward, in: hidden) },
            up: try linear(names.up, out: feedForward, in: hidden),
            down: try linear(names.down, out: hidden, in: feedForward))
    }

    private func linear(_ name: String, out: Int, in width: Int) throws -> Linear {
        let bias = try vector(name + ".bias", count: out)
        guard names.isTransposed else {
            let stored = try directory.tensor(named: name + ".weight", shape: [out, width])
            return Linear(weight: PackedMatrix(stored), bias: bias)
        }
        let stored = try directory.tensor(named: name + ".weight", shape: [width, out])
        return Linear(weight: PackedMatrix(stored.transposed()), bias: bias)
    }

    private func norm(_ name: String) throws -> Norm {
        let weight = try directory.tensor(named: name + ".weight", shape: [configuration.hiddenSize])
        return Norm(weight: weight.floats(), bias: try vector(name + ".bias", count: configuration.hiddenSize))
    }

    /// The vector, or nil where the file has none.
    private func vector(_ name: String, count: Int) throws -> [Float]? {
        guard directory.info(named: name) != nil else { return nil }
        return try directory.tensor(named: name, shape: [count]).floats()
    }
}
