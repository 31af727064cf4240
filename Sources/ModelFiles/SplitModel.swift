internal import Tensors

/// The parts of a GGUF model that was split over several files. Each names itself in `split.no`, from 0 on, and the
/// number of all in `split.count`; the first one has the model's metadata.
struct SplitModel {
    static let countKey = "split.count"
    static let numberKey = "split.no"
    static let tensorCountKey = "split.tensors.count"
    /// Keys that say how a file was split.
    static let keys: Set<String> = [countKey, numberKey, tensorCountKey]

    /// Metadata of the first part, tensors of all.
    let metadata: GGUFMetadata
    let tensors: TensorDirectory

    /// Opens all parts of the model that `part`, read from `path`, belongs to; it says that there are `count`.
    init(part: GGUFFile.Contents, path: String, count: Int) throws(ModelFileError) {
        guard let name = SplitName(path: path), name.count == count else {
            throw .badPart(
                file: path,
                found: "says that it is one of \(count) parts, but its name does not end with -NNNNN-of-"
                    + "\(SplitName.fiveDigits(count)).gguf")
        }
        var first: GGUFMetadata?
        var tensors = TensorDirectory(source: name.path(ofPart: 1))
        for number in 1...count {
            let partPath = name.path(ofPart: number)
            let contents = number == name.number ? part : try Self.contents(partPath, of: name, number: number)
            try Self.check(contents.metadata, partPath, number: number, count: count)
            if number == 1 { first = contents.metadata }
            for tensor in contents.tensors.names where !tensors.append(tensor, from: contents.tensors) {
                throw .tensorInTwoFiles(
                    name: tensor, first: tensors.info(named: tensor)?.file ?? tensors.source, second: partPath)
            }
        }
        guard let metadata = first else { preconditionFailure("a model of \(count) parts") }
        if let wanted = try metadata.uintIfPresent(Self.tensorCountKey), wanted != tensors.count {
            throw metadata.wrongValue(
                Self.tensorCountKey, wanted: "\(tensors.count), the tensors of all \(count) parts together")
        }
        self.metadata = metadata
        self.tensors = tensors
    }

    private static func contents(
        _ path: String, of name: SplitName, number: Int
    ) throws(ModelFileError) -> GGUFFile.Contents {
        guard FolderListing.isFolder(path) != nil else {
            throw .missingPart(file: path, number: number, count: name.count)
        }
        return try GGUFFile.Contents(path: path)
    }

    private static func check(
        _ metadata: GGUFMetadata, _ path: String, number: Int, count: Int
    ) throws(ModelFileError) {
        let found = (try metadata.uint(numberKey), try metadata.uint(countKey))
        guard found == (number - 1, count) else {
            throw .badPart(
                file: path,
                found: "says that it is part \(found.0 + 1) of \(found.1), but its name says \(number) of \(count)")
        }
    }
}
