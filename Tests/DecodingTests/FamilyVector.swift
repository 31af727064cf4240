import Decoding
import JSON
import ModelFiles
import TestSupport
import Testing

/// A tiny random model of a family and what transformers made of it (deploy/parity/families.py).
struct FamilyVector {
    let name: String
    let model: DecoderModel
    let ids: [Int32]
    /// By row: the logits that follow that id.
    let logits: [Int: [Float]]

    static let folder = TestFiles.fixtures(of: "DecodingTests") + "/families"

    static let names = [
        "llama", "llama-linear", "llama-dynamic", "llama-llama3", "llama-yarn", "mistral", "qwen2", "qwen2-window",
        "qwen3", "gemma2", "gemma3", "phi3", "phi3-longrope", "phi3-longrope-short",
        "smollm3", "olmo2", "gptneox", "gptneox-sequential",
        "falcon", "falcon-new", "starcoder2", "stablelm", "stablelm-parallel", "mixtral", "qwen3moe", "gptj", "gpt2",
        "cerebras-gpt", "mpt", "mpt-clip-odd",
    ]

    /// Families whose RoPE depends on how long a sequence may become, so that a prompt and its continuation differ
    /// from a longer prompt.
    var dependsOnLength: Bool { name == "llama-dynamic" || name.hasPrefix("phi3-longrope") }

    /// `model` is the same from another file.
    init(_ name: String, model: DecoderModel? = nil) throws {
        self.name = name
        self.model =
            try model ?? DecoderModel.load(.huggingFace(SafetensorsFolder(folder: "\(Self.folder)/\(name)")))
        let path = "\(Self.folder)/\(name)/logits.json"
        let root = try JSONValue(parsing: try #require(TestFiles.bytes(of: path)), limits: .file)
        ids = try #require(root.asObject?["ids"]?.asArray).map { Int32(try #require($0.asInt)) }
        var logits: [Int: [Float]] = [:]
        for (row, values) in try #require(root.asObject?["logits"]?.asObject) {
            logits[try #require(Int(row))] = try #require(values.asArray).map { Float(try #require($0.asDouble)) }
        }
        self.logits = logits
    }
}
