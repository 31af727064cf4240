internal import JSON
internal import ModelFiles

/// What a model's files say of it, whether or not it can be loaded.
struct ModelDescription {
    /// `GGUF version 3`, `GGUF version 3 in 4 files`, `safetensors`.
    let format: String
    /// As the files name it, or nil where they do not.
    let architecture: String?
    /// Elements of all tensors.
    let parameters: Int
    let mix: WeightMix
    /// Tokens that the model was made for, where the files say so.
    let contextLength: Int?
    /// Kind of the tokenizer, or nil where there is none.
    let tokenizer: String?
    let hasChatTemplate: Bool

    init(_ source: ModelSource) {
        parameters = source.tensors.infos.reduce(0) { $0 + $1.elementCount }
        mix = WeightMix(source.tensors)
        switch source {
        case .gguf(let file):
            let metadata = file.metadata
            format = "GGUF version \(file.version)" + (file.partCount > 1 ? " in \(file.partCount) files" : "")
            architecture = Self.text(metadata["general.architecture"])
            contextLength = architecture.flatMap { metadata["\($0).context_length"]?.integer }
            tokenizer = Self.tokenizer(metadata)
            hasChatTemplate = metadata["tokenizer.chat_template"] != nil
        case .huggingFace(let folder):
            format = "safetensors"
            architecture = folder.config["model_type"]?.asString
            contextLength = ["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"]
                .lazy.compactMap { folder.config[$0]?.asInt }.first
            tokenizer = folder.tokenizerJSON.map { _ in "tokenizer.json" }
            hasChatTemplate = folder.tokenizerConfig?["chat_template"] != nil
        }
    }

    private static func text(_ value: GGUFValue?) -> String? {
        guard case .string(let string) = value else { return nil }
        return string.text
    }

    private static func tokenizer(_ metadata: GGUFMetadata) -> String? {
        guard let model = text(metadata["tokenizer.ggml.model"]) else { return nil }
        let kinds = ["llama": "SentencePiece BPE", "gpt2": "byte-level BPE", "t5": "unigram", "bert": "WordPiece"]
        let kind = kinds[model] ?? "of the kind \(model)"
        return kind + (text(metadata["tokenizer.ggml.pre"]).map { ", pre-tokenizer \($0)" } ?? "")
    }

    var rows: [(String, String)] {
        var rows = [
            ("format", format), ("architecture", architecture ?? "not named"),
            ("parameters", "\(parameters) in \(mix.shares.reduce(0) { $0 + $1.tensors }) tensors"),
        ]
        for (index, share) in mix.shares.enumerated() {
            let text = "\(share.typeName): \(share.tensors) tensors, \(share.bytes) bytes"
            rows.append((index == 0 ? "weights" : "", text))
        }
        rows.append(("tokenizer", tokenizer ?? "none"))
        rows.append(("chat template", hasChatTemplate ? "yes" : "none"))
        return rows
    }

    var json: JSONObject {
        var object = JSONObject()
        object["format"] = .string(format)
        object["architecture"] = architecture.map { .string($0) } ?? .null
        object["parameters"] = .integer(parameters)
        object["weights"] = .array(
            mix.shares.map { share in
                var object = JSONObject()
                object["type"] = .string(share.typeName)
                object["tensors"] = .integer(share.tensors)
                object["bytes"] = .integer(share.bytes)
                return .object(object)
            })
        object["context_tokens"] = contextLength.map { .integer($0) } ?? .null
        object["tokenizer"] = tokenizer.map { .string($0) } ?? .null
        object["chat_template"] = .bool(hasChatTemplate)
        return object
    }
}
