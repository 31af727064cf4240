import Decoding
import JSON
import ModelFiles
import TestSupport
import Testing

/// Golden vectors with eviction for families with windows (deploy/parity/golden.py): ids and kept positions exactly,
/// top-8 logits within 1e-4.
@Suite struct FamilyGoldenTests {
    private static let folder = TestFiles.fixtures(of: "DecodingTests") + "/golden-families"

    @Test(arguments: ["gemma2", "gemma3", "mistral", "qwen3"])
    func everyCaseIsReproduced(family: String) throws {
        let model = try DecoderModel.load(.huggingFace(SafetensorsFolder(folder: "\(Self.folder)/\(family)")))
        #expect(model.configuration.layers.contains { $0.window != nil })
        let bytes = try #require(TestFiles.bytes(of: "\(Self.folder)/\(family)/cases.json"))
        let root = try JSONValue(parsing: bytes, limits: .file)
        let cases = try #require(root.asObject?["cases"]?.asArray)
        #expect(cases.count == 9)
        for fields in cases {
            let golden = try GoldenCase(family, try #require(fields.asObject))
            var first: GreedyRun?
            for (threads, chunking) in [(1, Chunking.whole), (2, .sevens), (2, .singleRows)] {
                let run = try GoldenModel.run(golden, model, threads: threads, chunking: chunking)
                if let difference = run.difference(from: golden) {
                    Issue.record("\(golden), \(threads) threads, \(chunking): \(difference)")
                }
                #expect(first == nil || first == run, "\(golden), \(threads) threads, \(chunking)")
                first = run
            }
        }
    }
}
