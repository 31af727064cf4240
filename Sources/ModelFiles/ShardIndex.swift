internal import JSON
internal import Tensors

/// `model.safetensors.index.json`: which shard of a Hugging Face folder holds which tensor.
struct ShardIndex {
    static let fileName = "model.safetensors.index.json"

    /// Tensor name and shard name, in the order of the file.
    let places: [(tensor: String, shard: String)]
    /// The shards' names without repetition, in the order of first mention.
    let shards: [String]

    /// Reads the index at `path`. Shards must be plain names of files in the same folder.
    init(path: String) throws(ModelFileError) {
        let index = try MappedFile.jsonObject(path: path)
        guard let map = index["weight_map"]?.asObject else {
            let fault = FormatFault.wrongJSON(found: index["weight_map"]?.typeName ?? "nothing", expected: "an object")
            throw .damaged(file: path, field: "weight_map", offset: 0, fault: fault)
        }
        var places: [(tensor: String, shard: String)] = []
        var shards: [String] = []
        var known: Set<String> = []
        for (tensor, value) in map {
            let field = "weight_map entry \(quoted(tensor))"
            guard let shard = value.asString else {
                let fault = FormatFault.wrongJSON(found: value.typeName, expected: "the name of a shard")
                throw .damaged(file: path, field: field, offset: 0, fault: fault)
            }
            guard Self.isPlainFileName(shard) else {
                throw .damaged(file: path, field: field, offset: 0, fault: .notAFileName(shard))
            }
            places.append((tensor, shard))
            if known.insert(shard).inserted { shards.append(shard) }
        }
        self.places = places
        self.shards = shards
    }

    /// True for a name that cannot lead out of its folder.
    static func isPlainFileName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 }
    }
}
