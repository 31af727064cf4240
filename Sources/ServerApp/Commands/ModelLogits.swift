internal import Decoding
internal import Generation
internal import JSON
internal import KVCaching
internal import ModelFiles

/// `keyhold logits`: the raw logits of token ids, for comparing implementations. It needs no tokenizer.
public struct ModelLogits: Sendable {
    public var ids: [Int]
    /// How many of the ids are the prompt, which runs in one piece; the others are decoded one by one. nil: all.
    public var promptTokens: Int?

    public init(ids: [Int]) { self.ids = ids }

    public enum OptionError: Error, CustomStringConvertible {
        case badTokenID(Int, vocabularySize: Int)
        case badPromptTokens(Int, ids: Int)

        public var description: String {
            switch self {
            case .badTokenID(let id, let size): "--ids: \(id) is not between 0 and \(size - 1)"
            case .badPromptTokens(let count, let ids): "--prompt-tokens is \(count) but must be from 1 to \(ids)"
            }
        }
    }

    /// Hands out one line of JSON for each id: its index and the logits that follow it.
    public func run(_ configuration: ServerConfiguration, write: (String) -> Void) throws {
        guard let path = configuration.model.path ?? BuiltInModel.path() else {
            throw ModelLoadError.noBuiltInModel(looked: BuiltInModel.folders)
        }
        let model = try DecoderModel.load(ModelSource.open(path: path))
        let size = model.configuration.vocabularySize
        guard let bad = ids.first(where: { $0 < 0 || $0 >= size }) else {
            return try run(model, configuration, write: write)
        }
        throw OptionError.badTokenID(bad, vocabularySize: size)
    }

    private func run(_ model: DecoderModel, _ configuration: ServerConfiguration, write: (String) -> Void) throws {
        let count = promptTokens ?? ids.count
        guard count >= 1, count <= ids.count else { throw OptionError.badPromptTokens(count, ids: ids.count) }
        let plan = try PolicyTable.plan(
            KVCacheRequest(), defaults: configuration.cacheDefaults, promptTokens: count,
            maxNewTokens: ids.count - count + 1, shape: model.configuration.cacheShape,
            usesRoPE: model.configuration.usesRoPE)
        let engine = try DecodeEngine(
            model: model, arena: KVArena(capacityBytes: plan.peakBytes),
            limits: DecodeEngine.Limits(
                maxSequences: 1, maxRows: 64,
                threads: configuration.model.threads ?? ProcessEnvironment.availableCores()))
        let id = SequenceID(1)
        let tokens = ids.map { TokenID($0) }
        engine.admit(
            SequenceAdmission(id: id, prompt: Array(tokens[..<count]), plan: plan, promptLogits: true))
        let layers = 0..<model.configuration.layerCount
        var rows = Array(repeating: [Float](), count: count)
        engine.run(StepBatch(prefill: [PrefillPiece(sequence: id, layers: layers, rows: 0..<count)])) { origin, row in
            let values = row.indices.map { row[$0] }
            switch origin {
            case .next: rows[count - 1] = values
            case .prompt(_, let index): rows[index] = values
            }
        }
        for (index, row) in rows.enumerated() { write(Self.line(index, row)) }
        for index in count..<ids.count {
            engine.run(StepBatch(decode: [.init(sequence: id, token: tokens[index])])) { _, row in
                write(Self.line(index, row.indices.map { row[$0] }))
            }
        }
    }

    private static func line(_ index: Int, _ logits: [Float]) -> String {
        let line: JSONValue = ["index": .integer(index), "logits": .array(logits.map { .real(Double($0)) })]
        return String(decoding: line.serialized(), as: UTF8.self) + "\n"
    }
}
