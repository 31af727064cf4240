public import JSON
internal import Tensors

/// One safetensors file, mapped: a JSON header that gives each tensor's type, shape and place, then the data. Opening
/// checks the whole header; bytes of weights are not touched. As the format demands, tensors fill the data without
/// gap or overlap. Format: github.com/huggingface/safetensors, README.
public struct SafetensorsFile: Sendable {
    public let path: String
    /// The free text entries under `__metadata__`.
    public let metadata: JSONObject
    public let tensors: TensorDirectory

    /// Maps and checks the file at `path`.
    public init(path: String) throws(ModelFileError) {
        let reader = SafetensorsReader(file: try MappedFile.opened(path))
        self.path = path
        (metadata, tensors) = try reader.readContents()
    }
}
