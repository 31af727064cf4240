internal import JSON
public import ModelFiles

/// A loaded model: configuration and weights, immutable and shared. Weights of products are packed
/// when the model is loaded; embeddings stay mapped from their file.
public struct DecoderModel: Sendable {
    public let configuration: ModelConfiguration
    let weights: ModelWeights

    /// Architectures that can be loaded, as files name them.
    public static var knownArchitectures: [String] {
        Set(ModelFamily.all.flatMap { $0.huggingFaceTypes + $0.ggufArchitectures }).sorted()
    }

    /// Reads the configuration and binds the weights. `progress` hears a share between 0 and 1.
    /// Throws `ModelError` or `ModelFileError`.
    public static func load(_ source: ModelSource, progress: (Double) -> Void = { _ in }) throws -> DecoderModel {
        switch source {
        case .gguf(let file): try load(file, progress: progress)
        case .huggingFace(let folder): try load(folder, progress: progress)
        }
    }

    private static func load(_ file: GGUFFile, progress: (Double) -> Void) throws -> DecoderModel {
        let (family, architecture) = try family(of: file)
        let configuration = try family.ggufConfiguration(GGUFConfiguration(file: file, architecture: architecture))
        return try load(configuration, file.tensors, family.ggufNames(file.tensors), file.path, progress)
    }

    private static func load(_ folder: SafetensorsFolder, progress: (Double) -> Void) throws -> DecoderModel {
        let (family, configuration) = try family(of: folder)
        let names = family.huggingFaceNames(folder.tensors)
        return try load(configuration, folder.tensors, names, folder.path + "/config.json", progress)
    }

    private static func family(of file: GGUFFile) throws -> (ModelFamily, architecture: String) {
        let architecture = try file.metadata.string("general.architecture")
        guard let family = ModelFamily.all.first(where: { $0.ggufArchitectures.contains(architecture) }) else {
            throw ModelError.unknownArchitecture(file: file.path, name: architecture, known: knownArchitectures)
        }
        return (family, architecture)
    }

    /// What a GGUF file's metadata says.
    static func configuration(of file: GGUFFile) throws -> ModelConfiguration {
        let (family, architecture) = try family(of: file)
        return try family.ggufConfiguration(GGUFConfiguration(file: file, architecture: architecture))
    }

    /// The family that config.json names and what the file says.
    static func family(of folder: SafetensorsFolder) throws -> (ModelFamily, ModelConfiguration) {
        let path = folder.path + "/config.json"
        guard let type = folder.config["model_type"]?.asString else {
            throw ModelError.missingField(file: path, field: "model_type")
        }
        guard let family = ModelFamily.all.first(where: { $0.huggingFaceTypes.contains(type) }) else {
            throw ModelError.unknownArchitecture(file: path, name: type, known: knownArchitectures)
        }
        let fields = HuggingFaceConfiguration(file: path, fields: folder.config)
        return (family, try family.huggingFaceConfiguration(fields))
    }

    private static func load(
        _ configuration: ModelConfiguration, _ tensors: TensorDirectory, _ names: TensorNames, _ path: String,
        _ progress: (Double) -> Void
    ) throws -> DecoderModel {
        try check(configuration, path: path)
        // Fewer layers than the file holds would run, and write nonsense.
        let next = names.layer(configuration.layerCount).up + ".weight"
        guard tensors.info(named: next) == nil else {
            throw ModelError.wrongField(
                file: path, field: "number of layers", found: "\(configuration.layerCount)",
                wanted: "one that covers tensor \"\(next)\"")
        }
        var binding = WeightBinding(directory: tensors, names: names, configuration: configuration)
        return DecoderModel(configuration: configuration, weights: try binding.bind(progress: progress))
    }

    /// Relations between the numbers that the forward pass relies on.
    private static func check(_ model: ModelConfiguration, path: String) throws(ModelError) {
        guard model.queryHeads % model.kvHeads == 0 else {
            throw .wrongField(
                file: path, field: "number of KV heads", found: "\(model.kvHeads)",
                wanted: "a divisor of the \(model.queryHeads) query heads")
        }
        guard model.headDim <= 1024, model.layerCount <= 4096 else {
            throw .wrongField(
                file: path, field: "head dimension and layers", found: "\(model.headDim), \(model.layerCount)",
                wanted: "at most 1024 and 4096")
        }
        for layer in model.layers {
            if let window = layer.window, window < 2 {
                throw .wrongField(
                    file: path, field: "sliding window", found: "\(window)", wanted: "at least 2 tokens")
            }
            guard case .rope(let rope) = layer.positions else { continue }
            guard rope.dimension > 0, rope.dimension <= model.headDim, rope.dimension % 2 == 0 else {
                throw .wrongField(
                    file: path, field: "rotary dimension", found: "\(rope.dimension)",
                    wanted: "an even number up to the head dimension \(model.headDim)")
            }
            if let divisors = rope.scaling.divisorCounts.first(where: { $0 != rope.dimension / 2 }) {
                throw .wrongField(
                    file: path, field: "RoPE factors", found: "\(divisors)", wanted: "\(rope.dimension / 2) numbers")
            }
        }
    }
}
