import ModelFiles
import Tensors
import TestSupport
import Testing

@Suite struct GGUFFileWriterTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func metadataOfEveryTypeIsKeptBitForBit() throws {
        let source = try GGUFFile(path: folder.write(SampleFiles.gguf().bytes(), to: "in.gguf"))
        var writer = GGUFFileWriter()
        writer.set(source.metadata, except: ["a.uint8"])
        writer.set("a.int8", .bool(true))
        writer.set("added.texts", .strings([[0xFF], []]))
        writer.set("added.integers", .int32s([-1, 2]))
        writer.set("added.floats", .float32s([0.5]))
        writer.set("added.number", .float32(2.5))
        writer.set("added.integer", .int32(-7))
        for info in source.tensors.infos {
            let type = try #require(info.dtype)
            writer.add(info.name, shape: info.shape, type: type)
        }
        let path = "\(folder.path)/out.gguf"
        try writer.write(to: path) { index, append in
            try source.tensors.tensor(named: source.tensors.names[index]).withBytes(append)
        }
        let copy = try GGUFFile(path: path)
        #expect(copy.version == 3)
        for key in source.metadata.keys where key != "a.uint8" && key != "a.int8" {
            #expect(copy.metadata[key] == source.metadata[key], "\(key)")
            #expect(copy.metadata.type(of: key) == source.metadata.type(of: key), "\(key)")
        }
        #expect(copy.metadata["a.uint8"] == nil)
        #expect(try copy.metadata.bool("a.int8"))
        #expect(try copy.metadata.strings("added.texts") == [[0xFF], []])
        #expect(try copy.metadata.int32s("added.integers") == [-1, 2])
        #expect(try copy.metadata.floats("added.floats") == [0.5])
        #expect(try copy.metadata.float("added.number") == 2.5)
        #expect(copy.metadata["added.integer"] == .int(-7))
        for name in source.tensors.names {
            #expect(copy.tensors[name]?.copiedBytes == source.tensors[name]?.copiedBytes, "\(name)")
            #expect(copy.tensors.info(named: name)?.shape == source.tensors.info(named: name)?.shape)
        }
    }

    @Test func anErrorLeavesNoFile() throws {
        struct Interrupted: Error {}
        var writer = GGUFFileWriter(alignment: 8)
        writer.add("a", shape: [2], type: .f32)
        #expect(throws: Interrupted.self) {
            try writer.write(to: "\(folder.path)/out.gguf") { _, _ in throw Interrupted() }
        }
        #expect(try folder.names().isEmpty)
    }
}
