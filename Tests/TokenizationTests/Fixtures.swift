import Foundation
import JSON

@testable import Tokenization

/// Files of our own beside the tests: the tokenizer of the model recall1M (see `Fixtures/manifest.json`).
enum Fixtures {
    static func bytes(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
        return Array(try Data(contentsOf: folder.appending(path: name)))
    }

    static func recall() throws -> Tokenizer {
        func object(_ name: String) throws -> JSONObject? {
            try JSONValue(parsing: bytes("recall1M/\(name)"), limits: .file).asObject
        }
        return try Tokenizer(
            tokenizerJSON: try bytes("recall1M/tokenizer.json"),
            tokenizerConfig: try object("tokenizer_config.json"),
            generationConfig: try object("generation_config.json"))
    }
}
