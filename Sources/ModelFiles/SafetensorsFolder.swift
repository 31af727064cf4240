public import JSON
internal import Tensors

/// A model folder as Hugging Face publishes it: `config.json`, weights in `model.safetensors` or in shards named by
/// `model.safetensors.index.json`, and the files of the tokenizer.
public struct SafetensorsFolder: Sendable {
    public let path: String
    /// Paths of all files of the folder.
    public let files: [String]
    public let config: JSONObject
    public let generationConfig: JSONObject?
    /// The bytes of `tokenizer.json`.
    public let tokenizerJSON: [UInt8]?
    public let tokenizerConfig: JSONObject?
    /// All tensors of all shards that the index names.
    public let tensors: TensorDirectory

    /// Opens the folder; its weights are `model.safetensors`, or else the shards of the index.
    public init(folder: String) throws(ModelFileError) {
        let listing = try FolderListing(path: folder)
        let single = Self.singleFileName
        guard listing.contains(single) || listing.contains(ShardIndex.fileName) else {
            throw .notAModel(
                path: folder, found: "the folder has neither \(single) nor \(ShardIndex.fileName)")
        }
        let tensors =
            listing.contains(single)
            ? try SafetensorsFile(path: listing.path(of: single)).tensors : try Self.shardedTensors(listing)
        try self.init(listing, tensors: tensors)
    }

    /// Opens the folder of the given safetensors file, which holds all the weights.
    init(weights: String, inFolder folder: String) throws(ModelFileError) {
        try self.init(
            try FolderListing(path: folder), tensors: try SafetensorsFile(path: weights).tensors)
    }

    static let singleFileName = "model.safetensors"
    static let configFileName = "config.json"

    private init(_ listing: FolderListing, tensors: TensorDirectory) throws(ModelFileError) {
        guard listing.contains(Self.configFileName) else {
            throw .notAModel(path: listing.path, found: "the folder has no \(Self.configFileName)")
        }
        path = listing.path
        files = listing.names.map { listing.path(of: $0) }
        config = try MappedFile.jsonObject(path: listing.path(of: Self.configFileName))
        generationConfig = try Self.optionalObject("generation_config.json", listing)
        tokenizerConfig = try Self.optionalObject("tokenizer_config.json", listing)
        tokenizerJSON = try Self.optionalBytes("tokenizer.json", listing)
        self.tensors = tensors
    }

    private static func optionalObject(_ name: String, _ listing: FolderListing) throws(ModelFileError) -> JSONObject? {
        listing.contains(name) ? try MappedFile.jsonObject(path: listing.path(of: name)) : nil
    }

    private static func optionalBytes(_ name: String, _ listing: FolderListing) throws(ModelFileError) -> [UInt8]? {
        guard listing.contains(name) else { return nil }
        let file = try MappedFile.opened(listing.path(of: name))
        return file.copy(0..<file.byteCount)
    }

    /// The tensors of all shards. No two shards may hold the same name, and each tensor of the index must be in its
    /// shard.
    private static func shardedTensors(_ listing: FolderListing) throws(ModelFileError) -> TensorDirectory {
        let index = try ShardIndex(path: listing.path(of: ShardIndex.fileName))
        var shards: [String: TensorDirectory] = [:]
        var holders: [String: String] = [:]
        for shard in index.shards {
            let path = listing.path(of: shard)
            let tensors = try SafetensorsFile(path: path).tensors
            for name in tensors.names {
                if let first = holders.updateValue(path, forKey: name) {
                    throw .tensorInTwoFiles(name: name, first: first, second: path)
                }
            }
            shards[shard] = tensors
        }
        var directory = TensorDirectory(source: listing.path)
        for (tensor, shard) in index.places {
            guard let tensors = shards[shard], tensors.info(named: tensor) != nil else {
                throw .missingTensor(file: listing.path(of: shard), name: tensor)
            }
            guard directory.append(tensor, from: tensors) else {
                let fault = FormatFault.duplicateName(tensor)
                throw .damaged(
                    file: listing.path(of: ShardIndex.fileName), field: "weight_map", offset: 0, fault: fault)
            }
        }
        return directory
    }
}
