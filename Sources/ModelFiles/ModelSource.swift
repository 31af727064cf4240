internal import Tensors

/// A model on disk in either format.
public enum ModelSource: Sendable {
    case gguf(GGUFFile)
    case huggingFace(SafetensorsFolder)

    /// The model's tensors.
    public var tensors: TensorDirectory {
        switch self {
        case .gguf(let file): file.tensors
        case .huggingFace(let folder): folder.tensors
        }
    }

    /// Opens what `path` leads to: a GGUF file, told by its first bytes; a `.safetensors` file beside a
    /// `config.json`; a Hugging Face folder; or a folder with exactly one `.gguf` file or the parts of one split model.
    public static func open(path: String) throws(ModelFileError) -> ModelSource {
        guard let isFolder = FolderListing.isFolder(path) else {
            throw .notAModel(path: path, found: "there is no such file or folder")
        }
        return isFolder ? try open(folder: path) : try open(file: path)
    }

    private static func open(file path: String) throws(ModelFileError) -> ModelSource {
        let file = try MappedFile.opened(path)
        let head = file.copy(0..<min(4, file.byteCount))
        if head == GGUFReader.magic { return .gguf(try GGUFFile(path: path)) }
        guard path.hasSuffix(".safetensors") else {
            throw .notAModel(path: path, found: "the file begins with \(hexadecimal(head)) and is not a GGUF file")
        }
        let (folder, name) = FolderListing.split(path)
        let listing = try FolderListing(path: folder)
        if listing.contains(ShardIndex.fileName), !listing.contains(SafetensorsFolder.singleFileName),
            try ShardIndex(path: listing.path(of: ShardIndex.fileName)).shards.contains(name)
        {
            return .huggingFace(try SafetensorsFolder(folder: folder))
        }
        return .huggingFace(try SafetensorsFolder(weights: path, inFolder: folder))
    }

    private static func open(folder path: String) throws(ModelFileError) -> ModelSource {
        let listing = try FolderListing(path: path)
        let hasWeights = listing.contains(SafetensorsFolder.singleFileName) || listing.contains(ShardIndex.fileName)
        if hasWeights, listing.contains(SafetensorsFolder.configFileName) {
            return .huggingFace(try SafetensorsFolder(folder: path))
        }
        let files = listing.names.filter { $0.hasSuffix(".gguf") }
        let first = SplitName(path: files.first ?? "")
        let isOneModel = files.allSatisfy { name in
            SplitName(path: name).map { $0.stem == first?.stem && $0.count == first?.count } ?? false
        }
        if files.count == 1 || (isOneModel && !files.isEmpty) {
            return .gguf(try GGUFFile(path: listing.path(of: files[0])))
        }
        if files.count > 1 {
            throw .notAModel(
                path: path,
                found: "the folder has \(files.count) .gguf files, \(files.prefix(3).joined(separator: ", "))"
                    + (files.count > 3 ? ", …" : "") + "; name one of them")
        }
        throw .notAModel(
            path: path,
            found: hasWeights
                ? "the folder has weights but no config.json" : "the folder has no weights that can be read")
    }

    /// The first bytes of a file, for a message: `50 4b 03 04`.
    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        if bytes.isEmpty { return "nothing" }
        return "bytes " + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
