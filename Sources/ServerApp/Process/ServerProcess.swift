internal import CompletionAPI
internal import Foundation
internal import HTTPFront
internal import Logging
internal import Synchronization

/// The life of `keyhold serve`: listen, load, serve, drain, end.
public enum ServerProcess {
    /// Serves until SIGTERM or SIGINT; returns when what ran has ended or `drain_grace` is over. A second signal ends
    /// the process at once. Called on the main thread, before any other thread exists.
    ///
    /// It listens before the model is loaded, so that probes see a server that is alive and not ready, and a port that
    /// is taken is noticed at once.
    public static func run(_ configuration: ServerConfiguration) throws {
        let signals = SignalWatch()
        let level = SharedLogLevel(configuration)
        let logger = Logs.logger(configuration, level: level)
        for name in configuration.unknownVariables {
            logger.warning("environment variable is no setting", metadata: ["name": "\(name)"])
        }
        if configuration.operation.keys == nil, !ListenAddress.isLocal(host: configuration.front.host) {
            logger.warning(
                "no API keys: everybody who reaches the address may use the server; `keyhold key new NAME` makes one",
                metadata: ["host": "\(configuration.front.host)"])
        }
        let application = ServerApplication(configuration, logger: logger)
        let front = try FrontServer(FrontConfiguration(configuration)) { application.handle($0) }
        application.watch(front)
        let admin = try configuration.operation.metricsListen.map { address in
            try FrontServer(FrontConfiguration(configuration.front, at: address)) {
                application.handle($0, on: .metrics)
            }
        }
        let reload = Reload(application: application, front: front, level: level)
        let life = ServerLife(
            application: application, front: front, admin: admin, signals: signals, reload: reload)
        life.load()
        try life.wait()
        logger.notice("ended")
    }
}

/// The steps of a server's life, each on a thread of its own while the main thread waits for signals.
private final class ServerLife: Sendable {
    private let application: ServerApplication
    private let front: FrontServer
    /// The listener for metrics.
    private let admin: FrontServer?
    private let signals: SignalWatch
    private let reload: Reload
    private let failure = Mutex<(any Error)?>(nil)
    private let supervision = ServiceSupervision(ServiceNotifier())

    init(
        application: ServerApplication, front: FrontServer, admin: FrontServer?, signals: SignalWatch, reload: Reload
    ) {
        self.application = application
        self.admin = admin
        self.reload = reload
        self.front = front
        self.signals = signals
    }

    /// Waits for the end, or throws what loading threw.
    func wait() throws {
        var isEnding = false
        while true {
            switch signals.next() {
            case .woken:
                if let error = failure.withLock({ $0 }) { throw error }
                return
            case .reload: start("keyhold-reload") { $0.reload.run() }
            case .end(let signal) where isEnding: SignalWatch.endNow(signal)
            case .end(let signal):
                isEnding = true
                application.logger.notice("draining", metadata: ["signal": "\(signal)"])
                start("keyhold-drain") { $0.end() }
            }
        }
    }

    /// Loads the model and begins to serve.
    func load() {
        start("keyhold-load") { life in
            do {
                try life.loadModel()
            } catch {
                life.failure.withLock { $0 = error }
                life.front.stop(grace: .zero)
                life.signals.wake()
            }
        }
    }

    private func loadModel() throws {
        let (configuration, logger) = (application.configuration, application.logger)
        supervision.notifier.status("loading the model")
        let progress = LoadProgress()
        let model = try ModelLoader.load(configuration.model) { progress.show($0) }
        progress.end()
        if let fault = model.chat.fault {
            logger.warning(
                "the model's chat template cannot be read: chats are refused unless chat_template names another",
                metadata: ["model": "\(model.name)", "reason": "\(fault)"])
        } else if let fault = model.chat.trialFault {
            logger.warning(
                "the model's chat template fails with a short conversation: chats that it fails with are refused",
                metadata: ["model": "\(model.name)", "reason": "\(fault)"])
        }
        let service = try ModelService(
            model, configuration: configuration, arena: application.arena, metrics: application.metrics, logger: logger)
        application.serve(service)
        logger.notice("serving", metadata: ["model": "\(model.name)", "port": "\(front.port)"])
        StandardOutput.write(Banner.text(model, configuration, port: front.port, metricsPort: admin?.port))
        supervision.serves("serving \(model.name)") { [application] in application.engineTurns }
    }

    private func end() {
        let grace = application.configuration.front.drainGrace
        let start = ContinuousClock.now
        supervision.notifier.stopping("draining")
        if !application.drain(within: grace) { application.logger.warning("grace is over; cutting what still runs") }
        application.stop()
        let left = max(.milliseconds(100), grace - (ContinuousClock.now - start))
        front.stop(grace: left)
        admin?.stop(grace: .milliseconds(100))
        signals.wake()
    }

    private func start(_ name: String, _ body: @escaping @Sendable (ServerLife) -> Void) {
        let thread = Thread { body(self) }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }
}

extension FrontConfiguration {
    /// What clients talk to.
    init(_ configuration: ServerConfiguration) {
        self.init(configuration.front)
        tls = configuration.operation.tls.map { FrontTLS(certificate: $0.certificate, key: $0.key) }
    }

    /// A listener elsewhere, in clear text and with the same limits.
    init(_ front: ServerConfiguration.Front, at address: ListenAddress) {
        self.init(front)
        (host, port) = (address.host, address.port)
        maxBodyBytes = 4096
        maxConnections = min(maxConnections, 64)
        maxConnectionsPerAddress = 0
    }

    /// The front's part of the server's configuration; its own refusals speak the API's error format.
    private init(_ front: ServerConfiguration.Front) {
        self.init()
        host = front.host
        port = front.port
        maxBodyBytes = front.maxBodyBytes
        maxHeaderBytes = front.maxHeaderBytes
        maxConnections = front.maxConnections
        maxConnectionsPerAddress = front.maxConnectionsPerAddress
        requestTimeout = front.requestTimeout
        idleTimeout = front.idleTimeout
        writeStallTimeout = front.writeStallTimeout
        errorBody = { [maxBodyBytes] status, message in
            APIError.refused(status: status, message: message, maxBodyBytes: maxBodyBytes).body()
        }
    }
}
