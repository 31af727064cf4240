internal import JSON
internal import ModelFiles
internal import Tokenization

/// What is to be said of files that have a tokenizer and no weights: GGUF files with a vocabulary alone, and tokenizer
/// files.
struct VocabularyInspection {
    private let name: String
    private let facts: [(String, String)]
    private var json: JSONObject
    private let tokenizer: Tokenizer

    /// A GGUF file without a tensor; nil where there are weights, or no tokenizer that can be read.
    init?(_ source: ModelSource, path: String) {
        guard source.tensors.infos.isEmpty, let tokenizer = try? ModelLoader.tokenizer(of: source, path: path) else {
            return nil
        }
        let description = ModelDescription(source)
        (name, facts, json) = (ModelLoader.name(ofPath: path), description.rows, description.json)
        self.tokenizer = tokenizer
    }

    /// A folder with tokenizer files, or one such file.
    init(path: String) throws {
        let files = try TokenizerFiles(path: path)
        tokenizer = files.tokenizer
        name = ModelLoader.name(ofPath: path)
        let kind = String(files.path.split(separator: "/").last ?? "")
        let hasTemplate = (try? StoredTemplates(folder: path).text) != nil
        facts = [
            ("format", "tokenizer files"), ("tokenizer", kind), ("chat template", hasTemplate ? "yes" : "none"),
        ]
        json = JSONObject()
        json["format"] = .string("tokenizer files")
        json["tokenizer"] = .string(kind)
        json["chat_template"] = .bool(hasTemplate)
    }

    var outcome: Inspection.Outcome {
        let rows =
            [("model", name)] + facts + Self.rows(of: tokenizer, size: tokenizer.vocabularySize)
            + [("weights", "none; for tokenize, detokenize and render")]
        var json = json
        json["vocabulary_tokens"] = .integer(tokenizer.vocabularySize)
        json["fault"] = .null
        return Inspection.Outcome(text: Inspection.lines(rows), json: Inspection.text(of: json), fault: nil)
    }

    /// Size and special tokens of a vocabulary; a model may have rows for more tokens than its tokenizer knows.
    static func rows(of tokenizer: Tokenizer, size: Int) -> [(String, String)] {
        let vocabulary = tokenizer.vocabulary
        let ends = tokenizer.eosTokens.sorted().map(String.init).joined(separator: " ")
        return [
            ("vocabulary", "\(size) tokens, \(vocabulary.scores == nil ? "merge ranks" : "merge scores")"),
            (
                "special tokens",
                "BOS \(vocabulary.bosToken.map(String.init) ?? "none"), end \(ends.isEmpty ? "none" : ends)"
            ),
        ]
    }
}
