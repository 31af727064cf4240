internal import Decoding
internal import Evaluation
internal import Foundation

/// `keyhold evaluate`: what budgets cost a model in quality. Texts of options are checked here, as the command line
/// gives them.
public struct ModelEvaluation: Sendable {
    /// Few and short inputs.
    public var isQuick = false
    public var seed: UInt64 = 1
    /// Folder for points, results and plots; made where it is missing.
    public var folder: String
    /// Plain text from which inputs are cut; nil for made-up prose.
    public var textPath: String?
    /// Policies with their settings; empty for all that evict.
    public var policies: [String] = []
    /// The policy that the others are measured against.
    public var baseline = "random"
    /// Percents, separated by commas.
    public var budgets: String?
    /// Suites, separated by commas.
    public var suites: String?
    public var contextTokens: Int?
    public var continuationTokens: Int?
    /// Texts of every suite.
    public var texts: Int?

    public init(folder: String) { self.folder = folder }

    /// Why a file cannot be used.
    public enum OptionError: Error, CustomStringConvertible {
        case badText(path: String, reason: String)
        case badFolder(path: String, reason: String)

        public var description: String {
            switch self {
            case .badText(let path, let reason): "--text: \(path) \(reason)"
            case .badFolder(let path, let reason): "--out: \(path) cannot be made: \(reason)"
            }
        }
    }

    /// Largest text file that is read.
    private static let textLimit = 64 << 20

    /// Runs what is not in the folder yet, writes results and plots and returns the table. Blocks until the end.
    public func run(_ configuration: ServerConfiguration) throws -> String {
        let settings = try settings(threads: configuration.model.threads)
        let text = try text()
        try makeFolder()
        let loading = LoadProgress()
        let model = try ModelLoader.load(configuration.model) { loading.show($0) }
        loading.end()
        let evaluation = try EvaluationRun(
            settings: contextTokens == nil ? settings.fitted(to: model.decoder.configuration.contextLength) : settings,
            model: model.decoder, modelName: model.name, tokenizer: model.tokenizer, text: text)
        let bar = ProgressBar()
        let report = try evaluation.run(folder: folder) { bar.show($0.line) }
        bar.end()
        let files = try report.write(to: folder)
        return report.table + "\nWritten to \(folder): \(files.joined(separator: ", "))\n"
    }

    private func settings(threads: Int?) throws(EvaluationError) -> EvaluationSettings {
        var settings = isQuick ? EvaluationSettings.quick : EvaluationSettings()
        settings.seed = seed
        settings.threads = threads ?? ProcessEnvironment.availableCores()
        if !policies.isEmpty {
            settings.variants = []
            for text in policies { settings.variants.append(try PolicyVariant(parsing: text)) }
        }
        settings.baseline = try PolicyVariant(parsing: baseline)
        if let budgets {
            settings.budgets = []
            for text in budgets.split(separator: ",") {
                settings.budgets.append(try BudgetShare(parsing: String(text)))
            }
        }
        if let suites { settings.suites = try SuiteKind.parse(suites) }
        if let contextTokens { settings.contextTokens = contextTokens }
        if let continuationTokens { settings.continuationTokens = continuationTokens }
        if let texts { (settings.proseTexts, settings.recallTexts, settings.gatherTexts) = (texts, texts, texts) }
        return settings
    }

    private func text() throws(OptionError) -> String? {
        guard let textPath else { return nil }
        do {
            return try TextFile.read(textPath, limit: Self.textLimit)
        } catch {
            throw .badText(path: textPath, reason: error.reason)
        }
    }

    private func makeFolder() throws(OptionError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .badFolder(path: folder, reason: error.localizedDescription)
        }
    }
}
