internal import ArgumentParser
internal import ServerApp

/// Sessions: how many, for how long, and where they are saved.
struct SessionOptions: ParsableArguments {
    @Option(name: .customLong("sessions-max"), help: .key(.sessionsMax))
    var most: String?

    @Option(name: .customLong("session-ttl"), help: .key(.sessionTTL))
    var timeToLive: String?

    @Option(name: .customLong("session-ttl-max"), help: .key(.sessionTTLMax))
    var longestTimeToLive: String?

    @Option(name: .customLong("session-lifetime"), help: .key(.sessionLifetime))
    var lifetime: String?

    @Option(name: .customLong("session-save-path"), help: .key(.sessionSavePath))
    var savePath: String?

    var given: [(ConfigurationKey, String?)] {
        [
            (.sessionsMax, most), (.sessionTTL, timeToLive), (.sessionTTLMax, longestTimeToLive),
            (.sessionLifetime, lifetime), (.sessionSavePath, savePath),
        ]
    }
}
