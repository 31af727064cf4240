internal import ArgumentParser
internal import ServerApp

/// The configuration file; every other option is a key of it.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "YAML file with settings.")
    var configurationFile: String?

    /// File, then environment, then `options`, all checked.
    func configuration(_ options: [(ConfigurationKey, String?)]) throws -> ServerConfiguration {
        let given = options.compactMap { key, text in text.map { (key, $0) } }
        return try ServerConfiguration.load(file: configurationFile, arguments: Dictionary(uniqueKeysWithValues: given))
    }
}

extension ArgumentHelp {
    /// The key's meaning, its default and its environment variable.
    static func key(_ key: ConfigurationKey) -> ArgumentHelp {
        let fallback = key.definition.fallback.map { " Default \($0)." } ?? ""
        return ArgumentHelp("\(key.definition.meaning)\(fallback) [\(key.environmentName)]")
    }
}
