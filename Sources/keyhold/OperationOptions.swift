internal import ArgumentParser
internal import ServerApp

/// Who may use the server, from where, and what it shows.
struct OperationOptions: ParsableArguments {
    @Option(name: .customLong("api-keys-file"), help: .key(.apiKeysFile))
    var apiKeysFile: String?

    @Option(name: .customLong("cors-origins"), help: .key(.corsOrigins))
    var corsOrigins: String?

    @Option(name: .customLong("tls-certificate"), help: .key(.tlsCertificate))
    var tlsCertificate: String?

    @Option(name: .customLong("tls-key"), help: .key(.tlsKey))
    var tlsKey: String?

    @Option(name: .customLong("metrics-listen"), help: .key(.metricsListen))
    var metricsListen: String?

    @Option(name: .customLong("metrics-compat"), help: .key(.metricsCompat))
    var metricsCompat: String?

    var given: [(ConfigurationKey, String?)] {
        [
            (.apiKeysFile, apiKeysFile), (.corsOrigins, corsOrigins), (.tlsCertificate, tlsCertificate),
            (.tlsKey, tlsKey), (.metricsListen, metricsListen), (.metricsCompat, metricsCompat),
        ]
    }
}
