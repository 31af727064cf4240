internal import HTTPFront
internal import SessionFiles

extension ServerConfiguration {
    /// Reads the files that the settings name, as a start would, but for the model. Returns what a start warns of.
    public func checkedFiles() throws -> [String] {
        var warnings = unknownVariables.map { "environment variable \($0) is no setting" }
        if operation.keys == nil, !ListenAddress.isLocal(host: front.host) {
            warnings.append("no API keys, and \(front.host) may be reached by others than this machine")
        }
        if let path = sessions.savePath { try SessionFolder.check(path) }
        if let files = operation.tls { try FrontTLS(certificate: files.certificate, key: files.key).check() }
        return warnings
    }
}
