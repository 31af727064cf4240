import Foundation
import ModelFiles
import TestSupport
import Testing
import Tokenization

@testable import ServerApp

/// From a path to a model.
@Suite struct ModelLoaderTests {
    /// The built-in model, where the sources have it.
    static let builtIn = "\(TestFiles.packageRoot)/Sources/ServerApp/Resources/\(BuiltInModel.fileName)"

    static func choice(
        path: String?, template: String? = nil, context: Int? = nil
    ) -> ServerConfiguration.Model {
        .init(path: path, name: nil, chatTemplate: template, contextTokens: context, threads: nil)
    }

    @Test(arguments: [
        ("models/llama.gguf", "llama"), ("/srv/models/qwen/", "qwen"), ("./hf/.", "hf"), ("a.b.safetensors", "a.b"),
        (".gguf", ".gguf"), ("/", "model"), ("hf:owner/name@v1:Q8_0", "name"),
    ])
    func aModelIsNamedAfterItsFile(path: String, name: String) {
        #expect(ModelLoader.name(ofPath: path) == name)
    }

    @Test func theBuiltInModelIsReady() throws {
        var shares: [Double] = []
        let model = try ModelLoader.load(Self.choice(path: Self.builtIn)) { shares.append($0) }
        #expect(model.name == "recall3M-Q8_0")
        #expect(model.vocabularySize == 2048)
        #expect(model.contextTokens == 4096)
        #expect(model.chat.name == "the model's own template")
        #expect(model.chat.fault == nil)
        #expect(model.weightTypes == ["Q8_0", "F32"])
        #expect(model.kvBytesPerToken == 1584)
        #expect(shares.last == 1)
    }

    @Test func contextAndTemplateCanBeChosen() throws {
        let model = try ModelLoader.load(Self.choice(path: Self.builtIn, template: "plain", context: 99))
        #expect(model.contextTokens == 99)
        #expect(model.chat.name == "plain")
    }

    @Test func aMissingFileIsNamed() throws {
        let error = try #require(throws: ModelFileError.self) {
            try ModelLoader.load(Self.choice(path: "/no/model.gguf"))
        }
        #expect(error.description.contains("/no/model.gguf"))
    }

    @Test func aDamagedTokenizerIsNamedWithItsFile() {
        let error = ModelLoadError.badTokenizer(
            path: "/m/tokenizer.json", .badField(field: "", reason: "must be an object, not an array"))
        #expect(error.description == "/m/tokenizer.json: the JSON text must be an object, not an array")
    }

    /// A copy of the Hugging Face folder with a tokenizer that is no JSON.
    @Test func loadingAFolderWithADamagedTokenizerNamesTheFile() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "keyhold-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let header = #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
        var weights = Data((0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> ($0 * 8)) })
        weights += Data(header.utf8) + Data(count: 4)
        try weights.write(to: folder.appending(path: "model.safetensors"))
        try Data("{}".utf8).write(to: folder.appending(path: "config.json"))
        for text in ["", "[1]", "{\"model\": 3"] {
            try Data(text.utf8).write(to: folder.appending(path: "tokenizer.json"))
            let error = #expect(throws: ModelLoadError.self) { try ModelLoader.load(Self.choice(path: folder.path)) }
            #expect(error?.description.contains("\(folder.path)/tokenizer.json: ") == true, "\(text)")
        }
    }

    @Test func theBuiltInModelIsLookedForBesideTheProgram() throws {
        #expect(BuiltInModel.path(executableFolder: "/nonexistent") == nil)
        #expect(BuiltInModel.path(executableFolder: nil) == nil)
        let error = ModelLoadError.noBuiltInModel(looked: BuiltInModel.folders)
        #expect(error.description.contains("--model PATH"))
        #expect(error.description.contains("keyhold_ServerApp.resources"))
    }
}
