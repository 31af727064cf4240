import ModelFiles
import Tensors
import TestSupport
import Testing

/// Models that are split over several files.
@Suite struct SplitModelTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static func name(_ part: Int, of count: Int = 3) -> String { "m-0000\(part)-of-0000\(count).gguf" }

    /// One part; what it says of itself may differ from what is right.
    private func part(
        _ number: Int, says: UInt16? = nil, count: UInt16 = 3, tensors: Int32 = 6, prefix: String? = nil
    ) -> GGUFWriter {
        var random = SeededRandom(seed: UInt64(number))
        var writer = GGUFWriter()
        if number == 1 { writer.add("general.architecture", .string("llama")) }
        writer.add("split.no", .uint16(says ?? UInt16(number - 1)))
        writer.add("split.count", .uint16(count))
        writer.add("split.tensors.count", .int32(tensors))
        for index in 0..<2 {
            let name = "\(prefix ?? "part\(number)").\(index)"
            writer.add(name, shape: [2, 32], type: .q8_0, values: random.values(64))
        }
        return writer
    }

    /// Writes three parts, some replaced or left out, and opens the one of the given number.
    @discardableResult
    private func open(_ number: Int = 1, replacing: [Int: GGUFWriter?] = [:]) throws -> GGUFFile {
        for part in 1...3 {
            guard let writer = replacing[part, default: self.part(part)] else { continue }
            _ = try folder.write(writer.bytes(), to: Self.name(part))
        }
        return try GGUFFile(path: "\(folder.path)/\(Self.name(number))")
    }

    private func error(_ number: Int = 1, replacing: [Int: GGUFWriter?]) -> String {
        do {
            try open(number, replacing: replacing)
            return ""
        } catch { return "\(error)" }
    }

    @Test(arguments: 1...3) func anyPartOpensAll(number: Int) throws {
        let file = try open(number)
        #expect(file.partCount == 3)
        #expect(file.tensors.names == (1...3).flatMap { ["part\($0).0", "part\($0).1"] })
        #expect(try file.metadata.string("general.architecture") == "llama")
        for part in 1...3 {
            let tensor = try file.tensors.tensor(named: "part\(part).1")
            #expect(tensor.shape == [2, 32])
            #expect(file.tensors.info(named: "part\(part).1")?.file.hasSuffix(Self.name(part)) == true)
        }
    }

    @Test func aFolderOfThePartsIsTheModel() throws {
        try open()
        guard case .gguf(let file) = try ModelSource.open(path: folder.path) else {
            Issue.record("not a GGUF model")
            return
        }
        #expect(file.tensors.count == 6)
    }

    @Test func aMissingPartIsNamed() {
        let text = error(replacing: [2: nil])
        #expect(text.contains(Self.name(2)) && text.contains("part 2 of the 3") && text.contains("missing"), "\(text)")
    }

    @Test func partsThatSayOtherThingsThanTheirNamesAreRefused() throws {
        #expect(error(replacing: [2: part(2, says: 2)]).contains("\(Self.name(2)): the file says that it is part 3"))
        #expect(error(replacing: [3: part(3, count: 4)]).contains("part 3 of 4"))
        #expect(error(replacing: [1: part(1, tensors: 7)]).contains("split.tensors.count"))
        #expect(error(replacing: [3: part(3, prefix: "part1")]).contains("part1.0"))
        let path = try folder.write(part(1).bytes(), to: "renamed.gguf")
        #expect {
            try GGUFFile(path: path)
        } throws: { "\($0)".contains("-of-00003.gguf") }
    }

    @Test func aPartWithoutItsNumberIsRefused() {
        var writer = GGUFWriter()
        writer.add("split.count", .uint16(3))
        #expect(error(replacing: [2: writer]).contains("split.no"))
    }

    @Test func aModelOfOnePartIsAWholeOne() throws {
        var writer = GGUFWriter()
        writer.add("split.no", .uint16(0))
        writer.add("split.count", .uint16(1))
        #expect(try GGUFFile(path: folder.write(writer.bytes(), to: "one.gguf")).partCount == 1)
    }
}
