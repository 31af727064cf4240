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
        (".gguf", ".gguf"), ("/", "model"),
    ])
    func aModelIsNamedAfterItsFile(path: String, name: String) {
        #expect(ModelLoader.name(ofPath: path) == name)
    }

    @Test func theBuiltInModelIsReady() throws {
        var shares: [Double] = []
        let model = try ModelLoader.load(Self.choice(path: Self.builtIn)) { shares.append($0) }
        #expect(model.name == "recall1M-Q8_0")
        #expect(model.vocabularySize == 1280)
        #expect(model.contextTokens == 2048)
        #expect(model.chatTemplate.name == "plain")
        #expect(!model.hasUnknownTemplate)
        #expect(model.weightTypes == ["Q8_0", "F32"])
        #expect(model.kvBytesPerToken == 1056)
        #expect(shares.last == 1)
    }

    @Test func contextAndTemplateCanBeChosen() throws {
        let model = try ModelLoader.load(Self.choice(path: Self.builtIn, template: "chatml", context: 99))
        #expect(model.contextTokens == 99)
        #expect(model.chatTemplate.name == "chatml")
    }

    @Test func aMissingFileIsNamed() throws {
        let error = try #require(throws: ModelFileError.self) {
            try ModelLoader.load(Self.choice(path: "/no/model.gguf"))
        }
        #expect(error.description.contains("/no/model.gguf"))
    }

    @Test func theBuiltInModelIsLookedForBesideTheProgram() throws {
        #expect(BuiltInModel.path(executableFolder: "/nonexistent") == nil)
        #expect(BuiltInModel.path(executableFolder: nil) == nil)
        let error = ModelLoadError.noBuiltInModel(looked: BuiltInModel.folders)
        #expect(error.description.contains("--model PATH"))
        #expect(error.description.contains("keyhold_ServerApp.resources"))
    }
}
