internal import Decoding
internal import Generation
internal import JSON
internal import Kernels
internal import ModelFiles
internal import ModelHub
internal import Tokenization

/// From a path to a model ready to serve.
enum ModelLoader {
    /// Opens, checks and binds; fetches what is named on a hub. `progress` hears a share between 0 and 1. Every
    /// error's text names file and field.
    static func load(_ choice: ServerConfiguration.Model, progress: (Double) -> Void = { _ in }) throws -> LoadedModel {
        guard let named = choice.path ?? BuiltInModel.path() else {
            throw ModelLoadError.noBuiltInModel(looked: BuiltInModel.folders)
        }
        let path = try ModelDownload.localPath(named)
        let source = try ModelSource.open(path: path)
        let tokenizer = try tokenizer(of: source, path: path)
        let decoder = try DecoderModel.load(source, progress: progress)
        let vocabularySize = decoder.configuration.vocabularySize
        guard tokenizer.vocabularySize <= vocabularySize else {
            throw ModelLoadError.vocabularyMismatch(
                path: path, tokenizer: tokenizer.vocabularySize, model: vocabularySize)
        }
        let model = LoadedModel(
            name: choice.name ?? (choice.path == nil ? BuiltInModel.name : name(ofPath: named)), decoder: decoder,
            tokenizer: tokenizer, chat: try ChatFormat(asked: choice.chatTemplate, stored: try templates(of: source)),
            controlTokens: ControlTokenFinder(tokenizer),
            contextTokens: try contextTokens(choice.contextTokens, decoder.configuration),
            weightTypes: weightTypes(source.tensors))
        // What only loading needed.
        if case .gguf(let file) = source { file.metadata.releasePages() }
        FreeMemory.release()
        return model
    }

    /// A GGUF file carries its tokenizer; of a Hugging Face model it lies in the same folder.
    static func tokenizer(of source: ModelSource, path: String) throws -> Tokenizer {
        switch source {
        case .gguf(let file): try TokenizerFiles.tokenizer(of: file.metadata, path: path)
        case .huggingFace(let folder): try TokenizerFiles(path: folder.path).tokenizer
        }
    }

    static func templates(of source: ModelSource) throws -> StoredTemplates {
        switch source {
        case .gguf(let file): try StoredTemplates(file.metadata)
        case .huggingFace(let folder): try StoredTemplates(folder: folder.path)
        }
    }

    /// A longer context than the model was made for is allowed, unless its positions are a table that ends.
    private static func contextTokens(_ asked: Int?, _ model: ModelConfiguration) throws(ModelLoadError) -> Int {
        guard let asked else { return model.contextLength }
        guard asked <= model.contextLength || !model.usesLearnedPositions else {
            throw .contextTooLong(asked: asked, model: model.contextLength)
        }
        return asked
    }

    /// `dir/name.gguf`, `dir/name/` and `hf:owner/name:file` are all called `name`.
    static func name(ofPath path: String) -> String {
        if let reference = try? HubReference(path) { return reference.name }
        let last = path.split(separator: "/").last { $0 != "." } ?? "model"
        for ending in [".gguf", ".safetensors"] where last.hasSuffix(ending) && last.count > ending.count {
            return String(last.dropLast(ending.count))
        }
        return String(last)
    }

    /// Names of the element types, by bytes.
    private static func weightTypes(_ tensors: TensorDirectory) -> [String] {
        var bytes: [String: Int] = [:]
        for info in tensors.infos { bytes[info.typeName, default: 0] += info.range.count }
        return bytes.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map(\.key)
    }
}
