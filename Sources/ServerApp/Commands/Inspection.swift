internal import Decoding
internal import Generation
internal import JSON
internal import KVCaching
internal import Kernels
internal import ModelFiles
internal import Tokenization

/// `keyhold inspect`: what a model is and what its KV caches cost.
public struct Inspection: Sendable {
    /// Pool in which sequences are counted, as the configuration writes sizes.
    public var pool: String
    /// Budgets to show, in tokens; the pool is counted out for each.
    public var budgetTokens: Int?
    /// Budget as a share of the prompt, 0 to 1; decimal text.
    public var budgetRatio: String?
    /// Tokens of prompt and answer of a sequence; nil is the model's context, at most 4096.
    public var contextTokens: Int?
    /// Element type of the cache.
    public var storage: String

    public init(pool: String, budgetTokens: Int?, budgetRatio: String?, contextTokens: Int?, storage: String) {
        self.pool = pool
        self.budgetTokens = budgetTokens
        self.budgetRatio = budgetRatio
        self.contextTokens = contextTokens
        self.storage = storage
    }

    /// Why an option cannot be used.
    public enum OptionError: Error, CustomStringConvertible {
        case badPool(String)
        case badRatio(String)
        case badContext(Int)
        case badBudget(Int)
        case badStorage(String)
        case twoBudgets

        public var description: String {
            switch self {
            case .badPool(let text): "--pool is '\(text)' but must be a size such as 512MiB"
            case .badRatio(let text): "--budget-ratio is '\(text)' but must be a decimal number above 0 and up to 1"
            case .badContext(let tokens):
                "--context is \(tokens) but must be an integer from 2 to \(Inspection.mostTokens)"
            case .badBudget(let tokens):
                "--budget-tokens is \(tokens) but must be an integer from 1 to \(Inspection.mostTokens)"
            case .badStorage(let text):
                "--storage is '\(text)' but must be one of \(KVCacheRequest.storages.joined(separator: ", "))"
            case .twoBudgets: "--budget-tokens and --budget-ratio: give one of the two"
            }
        }
    }

    /// As far as the arithmetic of caches is asked to go; the configuration has the same limit.
    private static let mostTokens = 16_777_216

    /// What was found, and why the model cannot be served where it cannot.
    public struct Outcome: Sendable {
        /// For people: one fact a line.
        public let text: String
        /// The same as a JSON object.
        public let json: String
        /// What is broken, or nil.
        public let fault: String?
    }

    /// Opens the model and binds its weights, but computes nothing. Throws where not even its files can be read.
    public func outcome(path: String?) throws -> Outcome {
        guard let named = path ?? BuiltInModel.path() else {
            throw ModelLoadError.noBuiltInModel(looked: BuiltInModel.folders)
        }
        // Options first: a wrong one is no fault of the model.
        let requests = try requests()
        guard let storageType = KVStorage(rawValue: storage) else { throw OptionError.badStorage(storage) }
        guard let poolBytes = ConfigurationText.bytes(pool), poolBytes > 0 else { throw OptionError.badPool(pool) }
        if let contextTokens, !(2...Self.mostTokens).contains(contextTokens) {
            throw OptionError.badContext(contextTokens)
        }
        let local = try ModelDownload.localPath(named)
        let source: ModelSource
        do {
            source = try ModelSource.open(path: local)
        } catch {
            guard let vocabulary = try? VocabularyInspection(path: local) else { throw error }
            return vocabulary.outcome
        }
        if let vocabulary = VocabularyInspection(source, path: local) { return vocabulary.outcome }
        let description = ModelDescription(source)
        var json = description.json
        do {
            let model = try ModelLoader.load(
                .init(path: path, name: nil, chatTemplate: nil, contextTokens: nil, threads: nil))
            let costs = try costs(model, requests, poolBytes: poolBytes, storage: storageType)
            json["family"] = .string(model.decoder.configuration.family)
            json["layers"] = .integer(model.decoder.configuration.layerCount)
            json["vocabulary_tokens"] = .integer(model.vocabularySize)
            json["context_tokens"] = .integer(model.contextTokens)
            json["kv_bytes_per_token"] = .integer(model.kvBytesPerToken)
            json["fault"] = .null
            return Outcome(
                text: Self.lines(describe(model, description) + costs), json: Self.text(of: json), fault: nil)
        } catch {
            json["fault"] = .string("\(error)")
            var rows = [("model", ModelLoader.name(ofPath: named))] + description.rows
            if let context = description.contextLength { rows.append(("context", "\(context) tokens")) }
            return Outcome(text: Self.lines(rows), json: Self.text(of: json), fault: "\(error)")
        }
    }

    static func text(of json: JSONObject) -> String {
        String(decoding: JSONValue.object(json).serialized(), as: UTF8.self) + "\n"
    }

    private func describe(_ model: LoadedModel, _ description: ModelDescription) -> [(String, String)] {
        let shape = model.decoder.configuration
        return [
            ("model", model.name),
            ("family", shape.family),
        ] + description.rows + [
            ("layers", "\(shape.layerCount)"),
            ("hidden size", "\(shape.hiddenSize), feed-forward \(shape.feedForwardSize)"),
            ("heads", "\(shape.queryHeads) query, \(shape.kvHeads) KV, dimension \(shape.headDim)"),
            ("positions", shape.positionSummary),
            ("attention sees", shape.windowSummary ?? "all tokens"),
            ("context", "\(shape.contextLength) tokens"),
        ] + VocabularyInspection.rows(of: model.tokenizer, size: shape.vocabularySize) + [
            ("chat format", model.chat.name + (Self.fault(of: model.chat) ?? ""))
        ]
    }

    private static func fault(of chat: ChatFormat) -> String? {
        if let fault = chat.fault { return " (cannot be read: \(fault))" }
        return chat.trialFault.map { " (fails with a short conversation: \($0))" }
    }

    private func costs(
        _ model: LoadedModel, _ requests: [(String, KVCacheRequest)], poolBytes: Int,
        storage storageType: KVStorage
    ) throws -> [(String, String)] {
        let tokens = contextTokens ?? min(4096, model.contextTokens)
        let newTokens = max(1, min(256, tokens / 4))
        let shape = model.decoder.configuration.cacheShape
        var rows = [
            ("KV per token", "\(shape.unprunedTokenBytes(storage: storageType)) bytes in \(storage), all layers"),
            (
                "pool",
                "\(ConfigurationText.byteText(poolBytes)), for sequences of \(tokens) tokens"
                    + " (\(newTokens) of them generated)"
            ),
        ]
        for (label, request) in requests {
            let capacity = try Capacity(
                request, defaults: KVCacheRequest(), tokens: tokens, newTokens: newTokens, model: model,
                poolBytes: poolBytes)
            rows.append(
                (
                    label,
                    "\(capacity.sequences) sequences of \(capacity.steadyBytes) bytes"
                        + " (\(capacity.peakBytes) during the prompt)"
                ))
        }
        return rows
    }

    /// The full cache and the budgets asked for, or a half and a quarter.
    private func requests() throws(OptionError) -> [(String, KVCacheRequest)] {
        if budgetTokens != nil, budgetRatio != nil { throw .twoBudgets }
        if let budgetTokens, !(1...Self.mostTokens).contains(budgetTokens) { throw .badBudget(budgetTokens) }
        var budgets: [(String, KVBudgetRequest)] = [
            ("budget 50 %", .ratio(millionths: 500_000)), ("budget 25 %", .ratio(millionths: 250_000)),
        ]
        if let budgetTokens { budgets = [("budget \(budgetTokens)", .tokens(budgetTokens))] }
        if let budgetRatio {
            guard let millionths = ConfigurationText.millionths(budgetRatio), millionths > 0 else {
                throw .badRatio(budgetRatio)
            }
            budgets = [("budget \(budgetRatio)", .ratio(millionths: millionths))]
        }
        var full = KVCacheRequest()
        full.policy = "full"
        full.storage = storage
        return [("full cache", full)]
            + budgets.map { label, budget in
                var request = KVCacheRequest()
                request.policy = "keyformer"
                request.budget = budget
                request.storage = storage
                return (label, request)
            }
    }

    static func lines(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { label, value in
            label + String(repeating: " ", count: width - label.count + 2) + value + "\n"
        }.joined()
    }
}
