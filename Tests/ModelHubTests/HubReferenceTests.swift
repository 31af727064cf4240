import Testing

@testable import ModelHub

@Suite struct HubReferenceTests {
    @Test func theFormsThatUsersWrite() throws {
        let plain = try HubReference("hf:Org-1/Model.v2_x")
        #expect(plain.repository == "Org-1/Model.v2_x" && plain.revision == "main" && plain.file == nil)
        let full = try HubReference("hf:a/b@refs/pr/1:sub/model-Q4_K_M.gguf")
        #expect(full.repository == "a/b" && full.revision == "refs/pr/1" && full.file == "sub/model-Q4_K_M.gguf")
        #expect(HubReference.isReference("hf:a/b") && !HubReference.isReference("./hf:a/b"))
    }

    @Test(arguments: [
        "hf:", "hf:a", "hf:a/", "hf:/b", "hf:a/b/c", "hf:../b", "hf:a/..", "hf:a b/c", "hf:a/b:", "hf:a/b:../x",
        "hf:a/b:/x", "hf:a/b@", "hf:a/b@../x", "hf:a/b:x\n", "hf:a/b?x=1", "hf:a/b#x", "a/b",
    ])
    func othersAreRefused(text: String) {
        #expect(throws: HubError.self) { try HubReference(text) }
    }
}

@Suite struct FileSelectionTests {
    private func selection(_ paths: [String], _ reference: String) throws -> FileSelection {
        let listing = Array(
            (#"{"sha":"\#(FakeHub.commit)","siblings":["#
                + paths.map { #"{"rfilename":"\#($0)","size":1,"blobId":"\#(FakeHub.commit)"}"# }.joined(separator: ",")
                + "]}").utf8)
        return try FileSelection(HubListing(listing, repository: "a/b"), HubReference(reference))
    }

    private let quantised = ["m-Q4_K.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf", "m-mmproj-f16.gguf", "README.md"]

    @Test func aTagMeansTheOneFileThatHasItAsAWord() throws {
        #expect(try selection(quantised, "hf:a/b:Q4_K").entry == "m-Q4_K.gguf")
        #expect(try selection(quantised, "hf:a/b:q8_0").entry == "m-Q8_0.gguf")
        #expect(try selection(quantised, "hf:a/b:m-Q8_0.gguf").entry == "m-Q8_0.gguf")
        #expect(throws: HubError.self) { try selection(quantised, "hf:a/b:Q5_K") }
        #expect(throws: HubError.self) { try selection(["x-Q8_0.gguf", "y-Q8_0.gguf"], "hf:a/b:Q8_0") }
    }

    @Test func withoutAFileTheUsualTypeIsTaken() throws {
        #expect(try selection(quantised, "hf:a/b").entry == "m-Q4_K_M.gguf")
        #expect(try selection(["only-F16.gguf", "only-mmproj.gguf"], "hf:a/b").entry == "only-F16.gguf")
        #expect(throws: HubError.self) { try selection(["README.md", "pytorch_model.bin"], "hf:a/b") }
        #expect(throws: HubError.self) { try selection(["model.safetensors"], "hf:a/b") }
    }

    @Test func allPartsOfASplitBelongTogether() throws {
        let parts = (1...3).map { "q/m-Q8_0-0000\($0)-of-00003.gguf" }
        let others = ["q/n-Q4_0-00001-of-00002.gguf", "q/n-Q4_0-00002-of-00002.gguf"]
        for name in ["Q8_0", parts[0], parts[2]] {
            let selection = try selection(parts + others, "hf:a/b:\(name)")
            #expect(selection.entry == parts[0] && selection.files.map(\.path) == parts, "\(name)")
        }
    }
}
