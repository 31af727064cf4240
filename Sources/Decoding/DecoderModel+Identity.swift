internal import KVCaching
internal import Tensors

extension DecoderModel {
    /// Gives what tells this model from others that look like it: its numbers, its norms and a sample of its
    /// embedding. Models with the same answers may differ in it, models with other weights hardly agree in it.
    public func identify(to add: ([UInt8]) -> Void) {
        let model = configuration
        let facts = [
            model.vocabularySize, model.contextLength, model.hiddenSize, model.layerCount, model.queryHeads,
            model.kvHeads, model.headDim,
        ]
        add(Array("\(facts) \((0..<model.layerCount).map { model.cacheShape.window(layer: $0) ?? 0 })".utf8))
        add(Array("\(weights.embedding.dtype) \(weights.embedding.shape)".utf8))
        add(weights.embedding.sampledBytes(1 << 16))
        for norm in weights.layers.flatMap({ [$0.attentionNorm, $0.feedForwardNorm] }) + [weights.finalNorm] {
            guard let norm else { continue }
            add(
                (norm.weight + (norm.bias ?? [])).flatMap { value in
                    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
                })
        }
        for bias in weights.layers.flatMap({ ($0.queryKeyValue + [$0.attentionOutput]).compactMap(\.bias) }) {
            add(bias.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } })
        }
    }
}
