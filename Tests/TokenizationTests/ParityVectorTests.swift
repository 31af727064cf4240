import Foundation
import JSON
import Testing

@testable import Tokenization

/// Ids that the reference implementations gave for vocabularies of our own (`deploy/parity/compare_tokenizers.py
/// --vectors Tests/TokenizationTests/Fixtures/parity`).
@Suite struct ParityVectorTests {
    private static let files = [
        "unigram.model", "unigram-ties.model", "unigram-bytes.model", "merges.model", "wordpiece.json",
        "unigram-precompiled.json", "falcon-like.json", "stripped.json", "nfkc.json", "metaspace-first-bytes.json",
        "metaspace-always-split.json",
    ]

    /// The tokenizer of a fixture.
    static func tokenizer(_ file: String) throws -> Tokenizer {
        let bytes = try Fixtures.bytes("parity/\(file)")
        if file.hasSuffix(".json") {
            return try Tokenizer(tokenizerJSON: bytes, tokenizerConfig: nil, generationConfig: nil)
        }
        return try Tokenizer(sentencePieceModel: bytes, tokenizerConfig: nil, generationConfig: nil)
    }

    @Test(arguments: files)
    func everyStringHasTheIDsOfTheReference(file: String) throws {
        let tokenizer = try Self.tokenizer(file)
        let cases = try JSONValue(parsing: Fixtures.bytes("parity/\(file).cases.json"), limits: .file)
        let list = try #require(cases.asObject?["cases"]?.asArray)
        #expect(list.count > 150)
        var failures: [String] = []
        for entry in list {
            let entry = try #require(entry.asObject)
            let text = try #require(entry["text"]?.asString)
            let wanted = try #require(entry["ids"]?.asArray).compactMap { $0.asInt.map(Int32.init) }
            let found = tokenizer.encode(text, addSpecial: false, parseSpecial: entry["special"]?.asBool == true)
            if found != wanted { failures.append("\(text.debugDescription): \(found), expected \(wanted)") }
        }
        #expect(failures.isEmpty, "\(failures.count) of \(list.count): \(failures.joined(separator: "\n"))")
    }

    /// A comparison that could not see a difference would prove nothing.
    @Test func aChangedNormalizerIsSeen() throws {
        let text = String(decoding: try Fixtures.bytes("parity/nfkc.json"), as: UTF8.self)
        let changed = Array(text.replacing(#""type": "NFKC""#, with: #""type": "NFC""#).utf8)
        #expect(changed != Array(text.utf8))
        let other = try Tokenizer(tokenizerJSON: changed, tokenizerConfig: nil, generationConfig: nil)
        let (found, wanted) = (other, try Self.tokenizer("nfkc.json"))
        #expect(
            found.encode("\u{FB01}", addSpecial: false, parseSpecial: false)
                != wanted.encode("\u{FB01}", addSpecial: false, parseSpecial: false))
    }
}
