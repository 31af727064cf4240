import Decoding
import TestSupport
import Tokenization

@testable import Evaluation
@testable import ServerApp

/// The model that ships with the program, read from the source tree.
enum TestModel {
    static func load() throws -> LoadedModel {
        let path = "\(TestFiles.packageRoot)/Sources/ServerApp/Resources/\(BuiltInModel.fileName)"
        return try ModelLoader.load(
            .init(path: path, name: "model", chatTemplate: nil, contextTokens: nil, threads: nil))
    }

    /// Small inputs: a second or two in a debug build.
    static var settings: EvaluationSettings {
        var settings = EvaluationSettings()
        settings.contextTokens = 128
        settings.continuationTokens = 6
        settings.proseTexts = 3
        settings.recallTexts = 3
        settings.gatherTexts = 2
        settings.factCounts = [2]
        settings.gatherFacts = 3
        settings.resamples = 200
        settings.threads = 2
        return settings
    }

    static func builder(_ model: LoadedModel) -> PassageBuilder {
        PassageBuilder(
            wording: FactWording(tokenizer: model.tokenizer),
            filler: FillerText(nil, tokenizer: model.tokenizer, seed: 1))
    }

    static func run(_ settings: EvaluationSettings) throws -> EvaluationRun {
        let model = try load()
        return try EvaluationRun(
            settings: settings, model: model.decoder, modelName: model.name, tokenizer: model.tokenizer, text: nil)
    }

    /// A run in a folder of its own.
    static func report(_ settings: EvaluationSettings) throws -> EvaluationReport {
        let folder = try TemporaryFolder()
        let run = try run(settings)
        return try withExtendedLifetime(folder) { try run.run(folder: folder.path) { _ in } }
    }
}
