internal import ModelHub

/// `keyhold download` and what other commands do with a model that is named on a hub.
public enum ModelDownload {
    /// `path` itself, or for `hf:OWNER/NAME[:FILE]` what it leads to in the cache, fetched where it is not there. What
    /// goes on shows on the terminal.
    public static func localPath(_ path: String) throws -> String {
        guard HubReference.isReference(path) else { return path }
        let hub = ModelHub(HubSettings(environment: ProcessEnvironment.variables()))
        let line = ProgressBar()
        defer { line.end() }
        return try hub.path(of: HubReference(path)) { progress in
            if case .usingCache(let reason) = progress {
                line.end()
                StandardError.write("the hub cannot be reached (\(reason)); using what is in the cache\n")
            } else {
                line.show(progress.line)
            }
        }
    }
}

extension ModelHub.Progress {
    /// One line for the terminal.
    fileprivate var line: String {
        switch self {
        case .fetching(let file, let bytes, let total): "fetching \(file): \(Self.share(bytes, of: total))"
        case .checking(let file, let bytes, let total): "checking \(file): \(Self.share(bytes, of: total))"
        case .usingCache(let reason): reason
        }
    }

    private static func share(_ bytes: Int, of total: Int) -> String {
        "\(bytes >> 20) of \(total >> 20) MiB, \(total > 0 ? 100 * bytes / total : 100) %"
    }
}
