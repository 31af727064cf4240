internal import ArgumentParser
internal import ServerApp

/// Which model, how it is run, and what is logged.
struct ModelOptions: ParsableArguments {
    @Option(name: [.customShort("m"), .customLong("model")], help: .key(.model))
    var model: String?

    @Option(name: .customLong("model-name"), help: .key(.modelName))
    var modelName: String?

    @Option(name: .customLong("chat-template"), help: .key(.chatTemplate))
    var chatTemplate: String?

    @Option(name: .customLong("context-tokens"), help: .key(.contextTokens))
    var contextTokens: String?

    @Option(name: .customLong("threads"), help: .key(.threads))
    var threads: String?

    @Option(name: .customLong("log-level"), help: .key(.logLevel))
    var logLevel: String?

    @Option(name: .customLong("log-format"), help: .key(.logFormat))
    var logFormat: String?

    var given: [(ConfigurationKey, String?)] {
        [
            (.model, model), (.modelName, modelName), (.chatTemplate, chatTemplate),
            (.contextTokens, contextTokens), (.threads, threads), (.logLevel, logLevel),
            (.logFormat, logFormat),
        ]
    }
}
