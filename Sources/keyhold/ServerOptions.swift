internal import ArgumentParser
internal import ServerApp

/// HTTP and scheduling.
struct ServerOptions: ParsableArguments {
    @Option(name: .customLong("host"), help: .key(.host))
    var host: String?

    @Option(name: .customLong("port"), help: .key(.port))
    var port: String?

    @Option(name: .customLong("max-connections"), help: .key(.maxConnections))
    var maxConnections: String?

    @Option(name: .customLong("max-connections-per-address"), help: .key(.maxConnectionsPerAddress))
    var maxConnectionsPerAddress: String?

    @Option(name: .customLong("max-body-bytes"), help: .key(.maxBodyBytes))
    var maxBodyBytes: String?

    @Option(name: .customLong("max-header-bytes"), help: .key(.maxHeaderBytes))
    var maxHeaderBytes: String?

    @Option(name: .customLong("request-timeout"), help: .key(.requestTimeout))
    var requestTimeout: String?

    @Option(name: .customLong("idle-timeout"), help: .key(.idleTimeout))
    var idleTimeout: String?

    @Option(name: .customLong("write-stall-timeout"), help: .key(.writeStallTimeout))
    var writeStallTimeout: String?

    @Option(name: .customLong("drain-grace"), help: .key(.drainGrace))
    var drainGrace: String?

    @Option(name: .customLong("sse-ping"), help: .key(.ssePing))
    var ssePing: String?

    @Option(name: .customLong("strict-fields"), help: .key(.strictFields))
    var strictFields: String?

    @Option(name: .customLong("max-sequences"), help: .key(.maxSequences))
    var maxSequences: String?

    @Option(name: .customLong("max-queue"), help: .key(.maxQueue))
    var maxQueue: String?

    @Option(name: .customLong("queue-timeout"), help: .key(.queueTimeout))
    var queueTimeout: String?

    @Option(name: .customLong("rows-per-step"), help: .key(.rowsPerStep))
    var rowsPerStep: String?

    @Option(name: .customLong("overload-status"), help: .key(.overloadStatus))
    var overloadStatus: String?

    @Option(name: .customLong("on-pool-full"), help: .key(.onPoolFull))
    var onPoolFull: String?

    var given: [(ConfigurationKey, String?)] {
        [
            (.host, host), (.port, port), (.maxConnections, maxConnections),
            (.maxConnectionsPerAddress, maxConnectionsPerAddress), (.maxBodyBytes, maxBodyBytes),
            (.maxHeaderBytes, maxHeaderBytes), (.requestTimeout, requestTimeout), (.idleTimeout, idleTimeout),
            (.writeStallTimeout, writeStallTimeout), (.drainGrace, drainGrace), (.ssePing, ssePing),
            (.strictFields, strictFields), (.maxSequences, maxSequences), (.maxQueue, maxQueue),
            (.queueTimeout, queueTimeout), (.rowsPerStep, rowsPerStep), (.overloadStatus, overloadStatus),
            (.onPoolFull, onPoolFull),
        ]
    }
}
