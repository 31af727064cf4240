internal import Decoding
internal import Generation
internal import JSON
internal import Kernels
public import ModelFiles
internal import Tensors
internal import Tokenization

/// `keyhold convert`: a Hugging Face folder as one GGUF file.
public struct ModelConversion: Sendable {
    /// The types that matrices can have.
    public enum WeightType: String, Sendable, CaseIterable {
        case f16 = "F16"
        case f32 = "F32"
        case bf16 = "BF16"
        case q8_0 = "Q8_0"

        /// The smallest type that holds every matrix of a folder as it is.
        public static func lossless(for folder: SafetensorsFolder) -> WeightType {
            let types = Set(folder.tensors.infos.filter { $0.shape.count > 1 }.map(\.dtype))
            return types == [.f16] ? .f16 : types == [.bf16] ? .bf16 : .f32
        }

        fileprivate var dtype: DType {
            switch self {
            case .f16: .f16
            case .f32: .f32
            case .bf16: .bf16
            case .q8_0: .q8_0
            }
        }
    }

    public enum ConversionError: Error, CustomStringConvertible {
        case notAFolder(path: String)
        case tooManyTokens(path: String, tokens: Int, model: Int)

        public var description: String {
            switch self {
            case .notAFolder(let path): "\(path) is a GGUF file; convert takes a Hugging Face folder"
            case .tooManyTokens(let path, let tokens, let model):
                "\(path): the tokenizer has \(tokens) tokens, the model rows for \(model)"
            }
        }
    }

    public var folder: String
    public var output: String
    public var type = WeightType.f16

    public init(folder: String, output: String) {
        self.folder = folder
        self.output = output
    }

    /// Writes the file and says what it is.
    public func run(progress: (Double) -> Void = { _ in }) throws -> String {
        guard case .huggingFace(let source) = try ModelSource.open(path: folder) else {
            throw ConversionError.notAFolder(path: folder)
        }
        let conversion = try GGUFConversion(source)
        let tokenizer = try ModelLoader.tokenizer(of: .huggingFace(source), path: folder)
        let size = conversion.configuration.vocabularySize
        guard tokenizer.vocabularySize <= size else {
            throw ConversionError.tooManyTokens(path: folder, tokens: tokenizer.vocabularySize, model: size)
        }
        var extra = try GGUFTokenizerMetadata(tokenizer, size: size).entries
        if let template = try StoredTemplates(folder: source.path).text {
            extra.append(("tokenizer.chat_template", .string(template)))
        }
        let compute = try Compute(threadCount: ProcessEnvironment.availableCores())
        defer { compute.stop() }
        let bytes = try conversion.write(
            to: output, type: type.dtype, name: ModelLoader.name(ofPath: folder), extra: extra, compute: compute,
            progress: progress)
        return "\(output): \(conversion.configuration.family), \(type.rawValue), \(bytes) bytes"
    }
}
