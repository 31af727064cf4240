internal import Tensors

/// A GGUF model file, mapped: its metadata and its tensors. Opening checks the whole header and every tensor's place;
/// bytes of weights are not touched. Format: github.com/ggml-org/ggml, docs/gguf.md, versions 2 and 3.
public struct GGUFFile: Sendable {
    public let path: String
    /// 2 or 3.
    public let version: Int
    public let metadata: GGUFMetadata
    public let tensors: TensorDirectory

    /// Maps and checks the file at `path`.
    public init(path: String) throws(ModelFileError) {
        var reader = GGUFReader(file: try MappedFile.opened(path))
        self.path = path
        version = try reader.readVersion()
        (metadata, tensors) = try reader.readContents()
    }
}
