internal import Credentials
internal import HTTPFront
internal import Logging
internal import Observability
internal import Synchronization

/// What SIGHUP does: configuration and key files are read again, and API keys, log level and TLS certificate become
/// what they say. A file that is wrong changes nothing and is an error in the log.
final class Reload: Sendable {
    /// Settings that a running server takes on.
    private static let reloadable: Set<ConfigurationKey> = [.apiKeysFile, .logLevel, .tlsCertificate, .tlsKey]

    private let application: ServerApplication
    private let front: FrontServer
    private let level: SharedLogLevel
    private let results: [Outcome: Counter]
    private let turn = Mutex(())

    private enum Outcome: String, CaseIterable { case applied, refused }

    init(application: ServerApplication, front: FrontServer, level: SharedLogLevel) {
        (self.application, self.front, self.level) = (application, front, level)
        let family = application.registry.counter(
            "keyhold_reloads_total", "Reloads on SIGHUP.", labels: [LabelDimension("result", Outcome.self)])
        results = Dictionary(uniqueKeysWithValues: Outcome.allCases.map { ($0, family[$0.rawValue]) })
    }

    /// Any thread; one at a time.
    func run() {
        turn.withLock { _ in
            let isApplied = apply()
            results[isApplied ? .applied : .refused]?.increment()
        }
    }

    /// False if anything was refused.
    private func apply() -> Bool {
        let logger = application.logger
        let fresh: ServerConfiguration
        do {
            fresh = try application.configuration.reloaded()
        } catch {
            logger.error("reload refused; the old settings stay", metadata: ["reason": "\(error)"])
            return false
        }
        level.set(fresh)
        let isKeyed = replaceKeys(fresh)
        let isSecured = replaceCertificate(fresh)
        warnOfOthers(fresh)
        logger.notice(
            "reloaded",
            metadata: [
                "keys": "\(fresh.operation.keys.map { "\($0.keys.count)" } ?? "none")",
                "log_level": "\(fresh.logLevel)",
            ])
        return isKeyed && isSecured
    }

    private func replaceKeys(_ fresh: ServerConfiguration) -> Bool {
        if let keys = fresh.operation.keys {
            application.gate.replace(keys)
        } else if application.gate.needsKey {
            application.logger.error(
                "reload refused for api_keys: a server that needs keys cannot stop to need them without a restart")
            return false
        }
        return true
    }

    private func replaceCertificate(_ fresh: ServerConfiguration) -> Bool {
        guard application.configuration.operation.tls != nil, let files = fresh.operation.tls else { return true }
        do {
            try front.replaceCertificate(FrontTLS(certificate: files.certificate, key: files.key))
            return true
        } catch {
            application.logger.error(
                "reload refused for the TLS certificate; the old one stays", metadata: ["reason": "\(error)"])
            return false
        }
    }

    private func warnOfOthers(_ fresh: ServerConfiguration) {
        let old = application.configuration
        var changed = ConfigurationKey.allCases.filter { key in
            !Self.reloadable.contains(key) && old.layers[key]?.text != fresh.layers[key]?.text
        }.map(\.rawValue)
        if (old.operation.tls == nil) != (fresh.operation.tls == nil) { changed.append("tls_certificate") }
        guard !changed.isEmpty else { return }
        application.logger.warning(
            "changed settings that need a restart", metadata: ["settings": "\(changed.joined(separator: " "))"])
    }
}
