public import Tokenization

/// Why no model could be loaded, beside what the file readers report themselves.
public enum ModelLoadError: Error, Equatable, CustomStringConvertible {
    case noBuiltInModel(looked: [String])
    case noTokenizer(path: String)
    /// A file beside or instead of the weights cannot be read at all.
    case unreadableTokenizer(path: String, reason: String)
    /// `path` is the file that holds the tokenizer.
    case badTokenizer(path: String, TokenizerError)
    case vocabularyMismatch(path: String, tokenizer: Int, model: Int)
    case contextTooLong(asked: Int, model: Int)

    public var description: String {
        switch self {
        case .noBuiltInModel(let looked):
            "the built-in model \(BuiltInModel.fileName) is not beside the program (looked in "
                + "\(looked.joined(separator: ", "))); name a model with --model PATH"
        case .noTokenizer(let path):
            "\(path): there is no tokenizer: a GGUF file needs tokenizer.ggml.model, a folder needs tokenizer.json, "
                + "tokenizer.model or a .tiktoken file"
        case .unreadableTokenizer(let path, let reason): "\(path): \(reason)"
        case .badTokenizer(let path, let error): "\(path): \(error)"
        case .vocabularyMismatch(let path, let tokenizer, let model):
            "\(path): the tokenizer has \(tokenizer) tokens, but the model only has logits for \(model)"
        case .contextTooLong(let asked, let model):
            "context_tokens is \(asked), but the model has learned positions for \(model) tokens only"
        }
    }
}
