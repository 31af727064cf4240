internal import Tensors

/// A GGUF model, mapped: its metadata and its tensors. Opening checks the whole header and every tensor's place;
/// bytes of weights are not touched. Any part of a model that was split over several files opens all of them.
/// Format: github.com/ggml-org/ggml, docs/gguf.md, versions 2 and 3.
public struct GGUFFile: Sendable {
    public let path: String
    /// 2 or 3.
    public let version: Int
    public let metadata: GGUFMetadata
    public let tensors: TensorDirectory
    /// Files that the model is split over; 1 for a whole one.
    public let partCount: Int

    /// Maps and checks the file at `path`, and all other parts of a split model.
    public init(path: String) throws(ModelFileError) {
        let contents = try Contents(path: path)
        self.path = path
        version = contents.version
        if let count = try contents.metadata.uintIfPresent(SplitModel.countKey), count > 1 {
            let model = try SplitModel(part: contents, path: path, count: count)
            (metadata, tensors, partCount) = (model.metadata, model.tensors, count)
        } else {
            (metadata, tensors, partCount) = (contents.metadata, contents.tensors, 1)
        }
    }

    /// What one file holds.
    struct Contents {
        let version: Int
        let metadata: GGUFMetadata
        let tensors: TensorDirectory

        init(path: String) throws(ModelFileError) {
            var reader = GGUFReader(file: try MappedFile.opened(path))
            version = try reader.readVersion()
            (metadata, tensors) = try reader.readContents()
        }
    }
}
