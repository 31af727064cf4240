import ModelFiles
import TestSupport
import Testing

@Suite struct GGUFMetadataTests {
    private let folder: TemporaryFolder
    private let metadata: GGUFMetadata

    init() throws {
        folder = try TemporaryFolder()
        metadata = try GGUFFile(path: try folder.write(SampleFiles.gguf().bytes(), to: "m.gguf")).metadata
    }

    @Test func integersOfEveryWidthRead() throws {
        #expect(try metadata.uint("a.uint8") == 200)
        #expect(try metadata.uint("a.uint16") == 60_000)
        #expect(try metadata.uint("a.uint32") == 4_000_000_000)
        #expect(try metadata.float("a.float32") == 1.5)
        #expect(try metadata.float("a.float64") == -2.25)
        #expect(try metadata.bool("a.true"))
        #expect(try metadata.string("general.architecture") == "llama")
    }

    @Test func absentKeysAreNilOrNamed() throws {
        #expect(try metadata.uintIfPresent("absent") == nil)
        #expect(try metadata.floatIfPresent("absent") == nil)
        #expect(try metadata.boolIfPresent("absent") == nil)
        #expect(try metadata.stringIfPresent("absent") == nil)
        #expect(try metadata.stringsIfPresent("absent") == nil)
        #expect(try metadata.floatsIfPresent("absent") == nil)
        #expect(try metadata.int32sIfPresent("absent") == nil)
        let missing = ModelFileError.missingKey(file: metadata.file, key: "absent")
        #expect(throws: missing) { try metadata.uint("absent") }
        #expect(throws: missing) { try metadata.strings("absent") }
        #expect("\(missing)" == "\(metadata.file): the metadata key \"absent\" is missing")
    }

    /// What the error says was found, for a reader that must refuse.
    private func found(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch let ModelFileError.wrongValue(file, _, offset, found, wanted) {
            return file == metadata.file && offset > 24 ? "\(found); \(wanted)" : "wrong place"
        } catch {
            return "\(error)"
        }
    }

    @Test func otherTypesAreRefusedWithBothSides() {
        #expect(found { _ = try metadata.uint("a.int8") } == "int8 -3; a non-negative integer")
        #expect(found { _ = try metadata.uint("a.uint64") } == "uint64 18446744073709551615; a non-negative integer")
        #expect(found { _ = try metadata.uint("a.float32") } == "float32 1.5; a non-negative integer")
        #expect(found { _ = try metadata.float("a.uint8") } == "uint8 200; a float")
        #expect(found { _ = try metadata.bool("a.uint8") } == "uint8 200; a bool")
        #expect(found { _ = try metadata.string("a.true") } == "bool true; a string")
        #expect(found { _ = try metadata.string("a.bytes") } == "a string with other bytes; a string of UTF-8")
        #expect(found { _ = try metadata.stringIfPresent("scores") } == "an array of 3 float32; a string")
        #expect(found { _ = try metadata.strings("a.uint8") } == "uint8 200; an array of strings")
        let notOne = "whose element 0 is not one; an array of"
        #expect(found { _ = try metadata.strings("scores") } == "an array of float32 \(notOne) strings")
        #expect(found { _ = try metadata.floats("types") } == "an array of int32 \(notOne) floats")
        #expect(
            found { _ = try metadata.int32s("tokens") } == "an array of string \(notOne) integers that fit 32 bits")
    }
}
