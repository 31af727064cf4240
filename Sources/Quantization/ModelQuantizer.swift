public import Kernels
public import ModelFiles
internal import Tensors

/// Writes a GGUF model with its matrices in other types. Metadata and the other tensors stay as they are; the parts of
/// a split model become one file.
public struct ModelQuantizer {
    /// What was written.
    public struct Outcome: Sendable, Equatable {
        /// Bytes of the file.
        public let byteCount: Int
        /// Tensors and bytes of each type, most bytes first.
        public let mix: [WeightMix.Share]
        /// Matrices whose rows do not fill the blocks of the type asked for.
        public let fallbacks: [String]
    }

    private let source: GGUFFile
    private let types: TensorTypes
    private let plans: [(info: TensorInfo, type: DType)]

    /// Plans how `source` becomes `type`. Throws where it is quantised already or has tensors that cannot be read.
    public init(_ source: GGUFFile, type: QuantizationType) throws {
        self.source = source
        let infos = source.tensors.infos
        types = try TensorTypes(type, metadata: source.metadata, tensors: infos)
        var plans: [(info: TensorInfo, type: DType)] = []
        for info in infos {
            guard let own = info.dtype, let wanted = types.type(of: info) else {
                _ = try source.tensors.tensor(named: info.name)
                continue
            }
            guard own == wanted || own.blockElements == 1 else {
                throw QuantizationError.alreadyQuantised(file: info.file, tensor: info.name, type: info.typeName)
            }
            plans.append((info, wanted))
        }
        self.plans = plans
    }

    /// Elements that are encoded before they are written.
    private static let pieceElements = 16 << 20

    /// Writes the file; it appears at `path` when it is whole. `progress` hears the share that is done, from 0 to 1.
    public func write(to path: String, compute: Compute, progress: (Double) -> Void) throws -> Outcome {
        var writer = GGUFFileWriter(alignment: try source.metadata.uintIfPresent("general.alignment") ?? 32)
        writer.set(source.metadata, except: ["split.no", "split.count", "split.tensors.count"])
        writer.set("general.file_type", .uint32(types.type.fileType))
        if types.type.base.blockElements > 1 { writer.set("general.quantization_version", .uint32(2)) }
        for (info, type) in plans { writer.add(info.name, shape: info.shape, type: type) }
        let all = Double(max(1, plans.reduce(0) { $0 + $1.info.elementCount }))
        var done = 0
        let inputs = [source.path] + Set(source.tensors.infos.map(\.file))
        let byteCount = try writer.write(to: path, inputs: inputs) { index, append in
            let (info, type) = plans[index]
            let tensor = try source.tensors.tensor(named: info.name)
            guard tensor.dtype != type else {
                try tensor.withBytes(append)
                done += info.elementCount
                return progress(Double(done) / all)
            }
            for start in stride(from: 0, to: info.elementCount, by: Self.pieceElements) {
                let range = start..<min(info.elementCount, start + Self.pieceElements)
                guard let piece = compute.encode(tensor, elements: range, as: type) else {
                    throw QuantizationError.valueOutOfRange(file: info.file, tensor: info.name)
                }
                try piece.withBytes(append)
                done += range.count
                progress(Double(done) / all)
            }
            tensor.releasePages()
        }
        return Outcome(
            byteCount: byteCount,
            mix: WeightMix(plans.map { ($0.type.name, $0.type.byteCount(elements: $0.info.elementCount) ?? 0) }).shares,
            fallbacks: plans.filter { types.isFallback($0.info, $0.type) }.map { "\($0.info.name) as \($0.type.name)" })
    }
}
