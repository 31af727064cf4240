import ModelFiles
import Tensors
import TestSupport
import Testing

@Suite struct ModelSourceTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What opens, as a word with its tensor count, or why nothing does.
    private func opened(_ name: String = "") -> String {
        do {
            switch try ModelSource.open(path: name.isEmpty ? folder.path : folder.path + "/" + name) {
            case .gguf(let file): return "gguf \(file.tensors.count)"
            case .huggingFace(let folder): return "folder \(folder.tensors.count)"
            }
        } catch {
            guard case .notAModel(_, let found) = error else { return "\(error)" }
            return found
        }
    }

    @Test func filesAreToldByTheirFirstBytes() throws {
        try folder.write(SampleFiles.gguf().bytes(), to: "model.bin")
        #expect(opened("model.bin") == "gguf \(DType.allCases.count + 3)")
        try folder.write([0x50, 0x4B, 3, 4, 0], to: "model.gguf")
        #expect(opened("model.gguf") == "the file begins with bytes 50 4b 03 04 and is not a GGUF file")
        try folder.write([], to: "empty")
        #expect(opened("empty") == "the file begins with nothing and is not a GGUF file")
        #expect(opened("absent") == "there is no such file or folder")
    }

    @Test func safetensorsFileOpensItsFolder() throws {
        try folder.write(SampleFiles.safetensors().bytes(), to: "model.safetensors")
        #expect(opened("model.safetensors") == "the folder has no config.json")
        try folder.write(SampleFiles.config, to: "config.json")
        #expect(opened("model.safetensors") == "folder 6")
        #expect(opened() == "folder 6")
        var other = SafetensorsWriter()
        other.add("w", shape: [1], values: [1])
        try folder.write(other.bytes(), to: "other.safetensors")
        #expect(opened("other.safetensors") == "folder 1")
    }

    @Test func shardOpensTheWholeModel() throws {
        try folder.write(SampleFiles.config, to: "config.json")
        let shards = [("1.safetensors", "a."), ("2.safetensors", "b.")].map { name, prefix in
            (name: name, writer: SampleFiles.safetensors(prefix: prefix))
        }
        for shard in shards { try folder.write(shard.writer.bytes(), to: shard.name) }
        try folder.write(SafetensorsWriter.index(shards), to: "model.safetensors.index.json")
        #expect(opened("2.safetensors") == "folder 12")
        #expect(opened() == "folder 12")
    }

    @Test func folderWithOneGGUFFileOpensIt() throws {
        #expect(opened() == "the folder has no weights that can be read")
        try folder.write(SampleFiles.gguf().bytes(), to: "a.gguf")
        #expect(opened() == "gguf \(DType.allCases.count + 3)")
        try folder.write(SampleFiles.gguf().bytes(), to: "b.gguf")
        #expect(opened() == "the folder has 2 .gguf files, a.gguf, b.gguf; name one of them")
        try folder.write(SampleFiles.safetensors().bytes(), to: "model.safetensors")
        try folder.write(SampleFiles.config, to: "config.json")
        #expect(opened() == "folder 6")
    }

    @Test func errorsSayWhatIsExpected() {
        let error = ModelFileError.notAModel(path: "/models/x", found: "the folder has no weights that can be read")
        #expect(
            "\(error)"
                == "/models/x: the folder has no weights that can be read; expected a .gguf file, "
                + "a folder with config.json and model.safetensors (or model.safetensors.index.json and its shards), "
                + "or a folder with exactly one .gguf file")
    }
}
