internal import Decoding
internal import Foundation
internal import JSON
internal import KVCaching
internal import ModelFiles
internal import Tensors

/// A loaded model with the counts that bound its speed.
struct ModelFacts {
    let path: String
    let decoder: DecoderModel
    let source: ModelSource
    /// Bytes of all tensors that one token's step reads: an embedding table only where it is the output matrix too.
    let stepBytes: Int
    /// Elements of the matrices inside the layers, each one multiply-add per token.
    let layerElements: Int
    /// Elements of the output matrix, one multiply-add per token whose logits are wanted.
    let outputElements: Int
    /// Most weight bytes are in a quantised type.
    let isQuantised: Bool
    let typeNames: [String]

    init(path: String) throws {
        self.path = path
        source = try ModelSource.open(path: path)
        decoder = try DecoderModel.load(source)
        let infos = source.tensors.infos
        let outputNames: Set = ["output.weight", "lm_head.weight"]
        let tables: Set = [
            "token_embd.weight", "model.embed_tokens.weight", "transformer.wte.weight", "wte.weight",
            "position_embd.weight", "transformer.wpe.weight", "wpe.weight",
        ]
        let output = infos.first { outputNames.contains($0.name) }
        let matrices = infos.filter {
            $0.shape.count == 2 && !tables.contains($0.name) && !outputNames.contains($0.name)
        }
        let embedding = infos.first { tables.contains($0.name) && !$0.name.contains("pos") && !$0.name.contains("wpe") }
        layerElements = matrices.reduce(0) { $0 + $1.elementCount }
        outputElements = (output ?? embedding)?.elementCount ?? 0
        stepBytes = matrices.reduce(0) { $0 + $1.range.count } + ((output ?? embedding)?.range.count ?? 0)
        var bytes: [String: Int] = [:]
        for info in infos { bytes[info.typeName, default: 0] += info.range.count }
        typeNames = bytes.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map(\.key)
        let quantised = infos.filter { ($0.dtype?.blockElements ?? 1) > 1 }.reduce(0) { $0 + $1.range.count }
        isQuantised = 2 * quantised > infos.reduce(0) { $0 + $1.range.count }
    }

    var configuration: ModelConfiguration { decoder.configuration }

    /// Work of `rows` tokens that pass all layers, `logitRows` of which want logits, and attend to `attended` slots in
    /// total per lane; `cacheBytes` of KV cache are read.
    func work(rows: Int, logitRows: Int, attended: Double, cacheBytes: Int) -> Work {
        let configuration = configuration
        // A query times a key and a weight times a value, per query head and layer.
        let perSlot = 4.0 * Double(configuration.headDim * configuration.queryHeads * configuration.layerCount)
        return Work(
            bytes: stepBytes + cacheBytes,
            weightOperations: 2 * (Double(layerElements) * Double(rows) + Double(outputElements) * Double(logitRows)),
            attentionOperations: perSlot * attended, isQuantised: isQuantised)
    }

    /// What a report says of the model.
    var json: JSONObject {
        var object = JSONObject()
        object["name"] = .string(path.split(separator: "/").last.map(String.init) ?? path)
        object["family"] = .string(configuration.family)
        object["bytes"] = .integer(source.tensors.infos.reduce(0) { $0 + $1.range.count })
        object["step_bytes"] = .integer(stepBytes)
        object["types"] = .array(typeNames.map { .string($0) })
        object["layers"] = .integer(configuration.layerCount)
        object["hidden"] = .integer(configuration.hiddenSize)
        object["query_heads"] = .integer(configuration.queryHeads)
        object["kv_heads"] = .integer(configuration.kvHeads)
        object["head_dim"] = .integer(configuration.headDim)
        object["feed_forward"] = .integer(configuration.feedForwardSize)
        object["vocabulary"] = .integer(configuration.vocabularySize)
        return object
    }
}
