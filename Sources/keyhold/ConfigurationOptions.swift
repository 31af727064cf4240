internal import ArgumentParser
internal import ServerApp

/// One option per configuration key; each wins over the environment, which wins over the file.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "YAML file with settings.")
    var configurationFile: String?

    @Option(name: [.customShort("m"), .customLong("model")], help: help(.model))
    var model: String?

    @Option(name: .customLong("model-name"), help: help(.modelName))
    var modelName: String?

    @Option(name: .customLong("chat-template"), help: help(.chatTemplate))
    var chatTemplate: String?

    @Option(name: .customLong("context-tokens"), help: help(.contextTokens))
    var contextTokens: String?

    @Option(name: .customLong("threads"), help: help(.threads))
    var threads: String?

    @Option(name: .customLong("host"), help: help(.host))
    var host: String?

    @Option(name: .customLong("port"), help: help(.port))
    var port: String?

    @Option(name: .customLong("max-connections"), help: help(.maxConnections))
    var maxConnections: String?

    @Option(name: .customLong("max-body-bytes"), help: help(.maxBodyBytes))
    var maxBodyBytes: String?

    @Option(name: .customLong("max-header-bytes"), help: help(.maxHeaderBytes))
    var maxHeaderBytes: String?

    @Option(name: .customLong("request-timeout"), help: help(.requestTimeout))
    var requestTimeout: String?

    @Option(name: .customLong("idle-timeout"), help: help(.idleTimeout))
    var idleTimeout: String?

    @Option(name: .customLong("write-stall-timeout"), help: help(.writeStallTimeout))
    var writeStallTimeout: String?

    @Option(name: .customLong("drain-grace"), help: help(.drainGrace))
    var drainGrace: String?

    @Option(name: .customLong("sse-ping"), help: help(.ssePing))
    var ssePing: String?

    @Option(name: .customLong("strict-fields"), help: help(.strictFields))
    var strictFields: String?

    @Option(name: .customLong("kv-pool-bytes"), help: help(.kvPoolBytes))
    var kvPoolBytes: String?

    @Option(name: .customLong("kv-policy"), help: help(.kvPolicy))
    var kvPolicy: String?

    @Option(name: .customLong("kv-budget-ratio"), help: help(.kvBudgetRatio))
    var kvBudgetRatio: String?

    @Option(name: .customLong("kv-budget-tokens"), help: help(.kvBudgetTokens))
    var kvBudgetTokens: String?

    @Option(name: .customLong("kv-recent-ratio"), help: help(.kvRecentRatio))
    var kvRecentRatio: String?

    @Option(name: .customLong("kv-sink-tokens"), help: help(.kvSinkTokens))
    var kvSinkTokens: String?

    @Option(name: .customLong("kv-storage"), help: help(.kvStorage))
    var kvStorage: String?

    @Option(name: .customLong("max-sequences"), help: help(.maxSequences))
    var maxSequences: String?

    @Option(name: .customLong("max-queue"), help: help(.maxQueue))
    var maxQueue: String?

    @Option(name: .customLong("queue-timeout"), help: help(.queueTimeout))
    var queueTimeout: String?

    @Option(name: .customLong("rows-per-step"), help: help(.rowsPerStep))
    var rowsPerStep: String?

    @Option(name: .customLong("overload-status"), help: help(.overloadStatus))
    var overloadStatus: String?

    @Option(name: .customLong("log-level"), help: help(.logLevel))
    var logLevel: String?

    @Option(name: .customLong("log-format"), help: help(.logFormat))
    var logFormat: String?

    /// The options that were given.
    var given: [ConfigurationKey: String] {
        let all: [(ConfigurationKey, String?)] = [
            (.model, model), (.modelName, modelName), (.chatTemplate, chatTemplate),
            (.contextTokens, contextTokens), (.threads, threads), (.host, host), (.port, port),
            (.maxConnections, maxConnections), (.maxBodyBytes, maxBodyBytes),
            (.maxHeaderBytes, maxHeaderBytes), (.requestTimeout, requestTimeout),
            (.idleTimeout, idleTimeout),
            (.writeStallTimeout, writeStallTimeout), (.drainGrace, drainGrace), (.ssePing, ssePing),
            (.strictFields, strictFields), (.kvPoolBytes, kvPoolBytes), (.kvPolicy, kvPolicy),
            (.kvBudgetRatio, kvBudgetRatio), (.kvBudgetTokens, kvBudgetTokens),
            (.kvRecentRatio, kvRecentRatio), (.kvSinkTokens, kvSinkTokens), (.kvStorage, kvStorage),
            (.maxSequences, maxSequences), (.maxQueue, maxQueue), (.queueTimeout, queueTimeout),
            (.rowsPerStep, rowsPerStep), (.overloadStatus, overloadStatus), (.logLevel, logLevel),
            (.logFormat, logFormat),
        ]
        return Dictionary(uniqueKeysWithValues: all.compactMap { key, text in text.map { (key, $0) } })
    }

    /// File, then environment, then options, all checked.
    func configuration() throws -> ServerConfiguration {
        try ServerConfiguration.load(file: configurationFile, arguments: given)
    }
}

/// The key's meaning, its default and its environment variable.
private func help(_ key: ConfigurationKey) -> ArgumentHelp {
    let fallback = key.definition.fallback.map { " Default \($0)." } ?? ""
    return ArgumentHelp("\(key.definition.meaning)\(fallback) [\(key.environmentName)]")
}
