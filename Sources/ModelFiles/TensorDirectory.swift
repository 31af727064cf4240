public import Tensors

/// The tensors of a model by name, in file order, over mapped bytes. Tensors of unsupported types are listed like the
/// others and become an error only when one is asked for.
public struct TensorDirectory: Sendable {
    /// The path of the file or folder, for errors about missing tensors.
    public let source: String
    private var entries: [(info: TensorInfo, file: MappedFile)] = []
    private var indices: [String: Int] = [:]

    init(source: String) { self.source = source }

    /// Adds a tensor and returns true, or returns false where the name is taken. The range lies inside the file and
    /// has the size that type and shape ask for.
    mutating func append(_ info: TensorInfo, in file: MappedFile) -> Bool {
        guard indices[info.name] == nil else { return false }
        indices[info.name] = entries.count
        entries.append((info, file))
        return true
    }

    /// Adds the tensor `name` of another directory, which holds it. Returns false where the name is taken.
    mutating func append(_ name: String, from other: TensorDirectory) -> Bool {
        guard let index = other.indices[name] else { preconditionFailure("\(other.source) has no tensor \(name)") }
        return append(other.entries[index].info, in: other.entries[index].file)
    }

    public var count: Int { entries.count }

    /// The names of all tensors, in file order.
    public var names: [String] { entries.map(\.info.name) }

    /// What the file says about each tensor, in file order.
    public var infos: [TensorInfo] { entries.map(\.info) }

    /// What the file says about one tensor, or nil where there is none.
    public func info(named name: String) -> TensorInfo? { indices[name].map { entries[$0].info } }

    /// The tensor, or nil where there is none or its type is not supported.
    public subscript(name: String) -> Tensor? {
        guard let index = indices[name] else { return nil }
        return tensor(at: index)
    }

    /// The tensor, whatever its shape. Throws where it is missing or its type is not supported.
    public func tensor(named name: String) throws(ModelFileError) -> Tensor {
        guard let index = indices[name] else { throw .missingTensor(file: source, name: name) }
        guard let tensor = tensor(at: index) else {
            let info = entries[index].info
            throw .unsupportedTensorType(
                file: info.file, name: name, offset: info.range.lowerBound, type: info.typeName)
        }
        return tensor
    }

    /// The tensor, which must have the given shape, outermost dimension first.
    public func tensor(named name: String, shape: [Int]) throws(ModelFileError) -> Tensor {
        if let info = info(named: name), info.shape != shape {
            throw .wrongShape(
                file: info.file, name: name, offset: info.range.lowerBound, found: info.shape, wanted: shape)
        }
        return try tensor(named: name)
    }

    /// The indices of two tensors that share bytes, the later one in the file first, or nil where none do.
    func firstOverlap() -> (index: Int, other: Int)? {
        let order = entries.indices.filter { !entries[$0].info.range.isEmpty }
            .sorted { entries[$0].info.range.lowerBound < entries[$1].info.range.lowerBound }
        for (other, index) in zip(order, order.dropFirst())
        where entries[index].info.range.lowerBound < entries[other].info.range.upperBound {
            return (index, other)
        }
        return nil
    }

    private func tensor(at index: Int) -> Tensor? {
        let (info, file) = entries[index]
        guard let dtype = info.dtype else { return nil }
        return file.tensor(dtype: dtype, shape: info.shape, range: info.range)
    }
}
