internal import KVCaching
public import Kernels
public import ModelFiles
public import Tensors

/// A Hugging Face folder as a GGUF file: the same roles under that format's names. What a family cannot say in GGUF is
/// refused: the written metadata is read back and has to give the same arithmetic.
public struct GGUFConversion {
    private let folder: SafetensorsFolder
    private let source: ModelConfiguration
    private let family: ModelFamily
    let plan: GGUFTensorPlan

    /// Reads the configuration and finds the tensors. Throws `ModelError` or `ModelFileError`.
    public init(_ folder: SafetensorsFolder) throws {
        self.folder = folder
        (family, source) = try DecoderModel.family(of: folder)
        guard family.ggufName != nil else {
            throw ModelError.unsupported(
                file: folder.path + "/config.json", field: "model_type", found: family.name,
                wanted: "families that GGUF has")
        }
        plan = try GGUFTensorPlan(
            directory: folder.tensors, from: family.huggingFaceNames(folder.tensors),
            to: family.ggufNames(folder.tensors), model: source, pairsNeighbours: family.ggufPairsNeighbours)
    }

    public var configuration: ModelConfiguration { source }

    /// Writes the file with matrices of `type`, F16 where rows do not fill its blocks. `extra` are keys behind the
    /// model's own. Returns the file's size. After an error what was at `path` is as it was.
    public func write(
        to path: String, type: DType, name: String, extra: [(key: String, value: GGUFFileWriter.Value)],
        compute: Compute, progress: (Double) -> Void = { _ in }
    ) throws -> Int {
        let architecture = family.ggufName ?? family.name
        var writer = GGUFFileWriter()
        writer.set("general.architecture", .string(architecture))
        writer.set("general.name", .string(name))
        writer.set("general.file_type", .uint32(Self.fileType(type)))
        if type.blockElements > 1 { writer.set("general.quantization_version", .uint32(2)) }
        let metadata = try GGUFModelMetadata(source, file: folder.path + "/config.json")
        for (key, value) in metadata.entries { writer.set("\(architecture).\(key)", value) }
        for (key, value) in extra { writer.set(key, value) }
        let tensors = plan.tensors + metadata.tensors
        let types = tensors.map { $0.type(wanted: type) }
        for (tensor, type) in zip(tensors, types) { writer.add(tensor.name, shape: tensor.shape, type: type) }
        return try writer.write(to: path, inputs: folder.files) { index, append in
            let tensor = try tensors[index].make()
            guard tensor.dtype != types[index] else { return try tensor.withBytes(append) }
            guard let bytes = compute.encode(tensor, elements: 0..<tensor.elementCount, as: types[index]) else {
                throw ModelError.wrongField(
                    file: folder.path, field: tensors[index].name, found: "a value that is no number or beyond 65504",
                    wanted: "numbers that \(types[index]) can hold")
            }
            try bytes.withBytes(append)
            progress(Double(index + 1) / Double(tensors.count))
        } check: {
            try requireSameArithmetic($0)
        }
    }

    private func requireSameArithmetic(_ path: String) throws {
        let file = try GGUFFile(path: path)
        let written = try DecoderModel.configuration(of: file)
        guard let difference = source.difference(from: written) else { return }
        throw ModelError.unsupported(
            file: folder.path + "/config.json", field: difference, found: "a value that GGUF cannot hold",
            wanted: "what \(written.family) says in GGUF")
    }

    /// GGUF's `general.file_type`.
    private static func fileType(_ type: DType) -> UInt32 {
        switch type {
        case .f32: 0
        case .bf16: 32
        case .q8_0: 7
        default: 1
        }
    }
}

extension ModelConfiguration {
    /// The first property in which the arithmetic differs; families' names and the order of rotated pairs do not count.
    func difference(from other: ModelConfiguration) -> String? {
        var (left, right) = (self, other)
        for index in layers.indices {
            guard index < other.layers.count else { return "number of layers" }
            switch (layers[index].positions, other.layers[index].positions) {
            case (.rope(let one), .rope(let two)):
                guard one.hasFrequencies(of: two) else { return "RoPE of layer \(index)" }
            case (let one, let two): guard one == two else { return "positions of layer \(index)" }
            }
            left.layers[index].positions = .none
            right.layers[index].positions = .none
        }
        if left.layers.map(\.window) != right.layers.map(\.window) { return "windows of layers" }
        if left.layers != right.layers { return "experts" }
        if left.feedForward != right.feedForward { return "feed-forward" }
        let standard = 1 / Float(headDim).squareRoot()
        let scales = (left.attentionScale ?? standard, right.attentionScale ?? standard)
        if abs(scales.0 - scales.1) > 1e-6 * scales.0 { return "scale of attention" }
        (left.family, right.family) = ("", "")
        (left.attentionScale, right.attentionScale) = (nil, nil)
        return left == right ? nil : "a number of the model"
    }
}

extension RotaryEmbedding {
    /// Whether both turn alike, for sequences short and long.
    fileprivate func hasFrequencies(of other: RotaryEmbedding) -> Bool {
        [1, 1 << 30].allSatisfy { tokens in
            let (one, two) = (frequencies(tokens: tokens), other.frequencies(tokens: tokens))
            return one.inverse.count == two.inverse.count
                && zip(one.inverse, two.inverse).allSatisfy { abs($0 - $1) <= 1e-6 * $0 }
                && abs(one.magnitude - two.magnitude) <= 1e-6
        }
    }
}
