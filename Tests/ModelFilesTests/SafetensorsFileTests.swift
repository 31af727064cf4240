import JSON
import ModelFiles
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
        try SafetensorsFile(path: try folder.write(bytes, to: "model.safetensors"))
    }

    @Test func tensorsAndMetadataReadBack() throws {
        let writer = SampleFiles.safetensors()
        let bytes = writer.bytes()
        let file = try open(bytes)
        #expect(JSONValue.object(file.metadata) == ["format": "pt"])
        #expect(file.tensors.names == writer.names)
        for info in file.tensors.infos where info.dtype != nil {
            let tensor = try file.tensors.tensor(named: info.name, shape: info.shape)
            #expect(tensor.copiedBytes == Array(bytes[info.range]), "\(info.name)")
        }
        #expect(file.tensors.info(named: "model.head.weight")?.shape == [2, 5])
        #expect(file.tensors["model.scalar"]?.referenceValues == [4])
        #expect(file.tensors["model.none"]?.elementCount == 0)
    }

    @Test func unsupportedTypesAreListedAndRefusedByName() throws {
        var writer = SampleFiles.safetensors()
        writer.add("future", shape: [3], typeName: "Q9", bytes: [1, 2])
        let file = try open(writer.bytes())
        #expect(file.tensors["model.steps"] == nil)
        #expect(file.tensors.info(named: "model.steps")?.typeName == "I64")
        #expect(file.tensors.info(named: "future")?.typeName == "Q9")
        let offset = try #require(file.tensors.info(named: "model.steps")).range.lowerBound
        #expect(
            throws: ModelFileError.unsupportedTensorType(
                file: file.path, name: "model.steps", offset: offset, type: "I64")
        ) { try file.tensors.tensor(named: "model.steps") }
    }

    @Test func askingForAnotherShapeOrNameSaysSo() throws {
        let tensors = try open(SampleFiles.safetensors().bytes()).tensors
        let offset = try #require(tensors.info(named: "model.norm.weight")).range.lowerBound
        let wrong = ModelFileError.wrongShape(
            file: tensors.source, name: "model.norm.weight", offset: offset, found: [3], wanted: [4])
        #expect(throws: wrong) { try tensors.tensor(named: "model.norm.weight", shape: [4]) }
        #expect("\(wrong)".hasSuffix("shape [3] does not match the configuration, which wants [4]"))
        #expect(throws: ModelFileError.missingTensor(file: tensors.source, name: "x")) {
            try tensors.tensor(named: "x", shape: [1])
        }
    }

    /// Old writers did not pad the header, and a type may follow another at any byte.
    @Test(arguments: 0..<8) func dataAtAnyAlignmentReadsBack(padding: Int) throws {
        var writer = SafetensorsWriter()
        writer.add("byte", shape: [1], typeName: "U8", bytes: [9])
        writer.add("w", shape: [3], values: [1, -2, 0.5])
        writer.add("h", shape: [2], type: .f16, values: [3, 4])
        let data = Array(writer.bytes().suffix(17))
        let header = writer.header + String(repeating: " ", count: padding)
        let tensors = try open(SafetensorsWriter.bytes(header: header, data: data)).tensors
        let tensor = try tensors.tensor(named: "w", shape: [3])
        #expect(tensor.referenceValues == [1, -2, 0.5])
        #expect(unsafe Int(bitPattern: tensor.bytes.baseAddress) % 4 == 0)
        #expect(tensors["h"]?.referenceValues == [3, 4])
    }

    @Test func emptyHeaderIsAModelWithoutTensors() throws {
        #expect(try open(SafetensorsWriter.bytes(header: "{}", data: [])).tensors.count == 0)
    }
}
