/// Why a model of a hub could not be had. Each text says what to change.
public enum HubError: Error, Sendable, Equatable, CustomStringConvertible {
    /// `text` does not have the form `hf:OWNER/NAME[@REVISION][:FILE]`.
    case badReference(text: String, reason: String)
    /// The hub did not give `what`; `reason` is its status, or what curl said.
    case unreachable(what: String, reason: String)
    /// The hub knows no such repository or revision, or hides it from this user.
    case notFound(repository: String, revision: String)
    /// The repository wants a token, or a click on its page.
    case forbidden(repository: String, hasToken: Bool)
    /// What the hub answered is no listing of files.
    case badListing(repository: String, reason: String)
    /// No file of the repository is meant by the name.
    case noSuchFile(repository: String, name: String, available: [String])
    /// Nothing of the repository is a model that can be read.
    case noModel(repository: String, available: [String])
    /// Offline, and the cache lacks something.
    case notCached(repository: String, folder: String)
    /// The bytes are not those that the hub promised; they were thrown away.
    case checksum(file: String, expected: String, found: String)
    /// The cache folder or a file in it cannot be used.
    case cache(path: String, reason: String)
    /// The program curl is needed and cannot be run.
    case noCurl(reason: String)

    public var description: String {
        switch self {
        case .badReference(let text, let reason):
            "\(text): \(reason); a model of the hub is written hf:OWNER/NAME, hf:OWNER/NAME:FILE.gguf or "
                + "hf:OWNER/NAME@REVISION"
        case .unreachable(let what, let reason):
            "\(what) cannot be fetched: \(reason); check the connection and HF_ENDPOINT, or fetch the files elsewhere "
                + "and name their path"
        case .notFound(let repository, let revision):
            "the hub has no model \(repository) with the revision \(revision), or hides it: check the name, and "
                + "HF_TOKEN for a private one"
        case .forbidden(let repository, let hasToken):
            "the hub refuses \(repository): "
                + (hasToken
                    ? "the token of HF_TOKEN may not read it; accept the model's terms on its page"
                    : "set HF_TOKEN to a token that may read it")
        case .badListing(let repository, let reason): "the hub's list of files of \(repository) is broken: \(reason)"
        case .noSuchFile(let repository, let name, let available):
            "\(repository) has no file \(name); \(Self.list(available))"
        case .noModel(let repository, let available):
            "\(repository) has no model that can be read: neither .gguf files nor .safetensors with config.json; "
                + Self.list(available)
        case .notCached(let repository, let folder):
            "\(repository) is not complete in \(folder), and HF_HUB_OFFLINE forbids to fetch it"
        case .checksum(let file, let expected, let found):
            "\(file): the checksum is \(found), the hub promised \(expected); the file was thrown away, try again"
        case .cache(let path, let reason): "\(path): \(reason); HF_HOME names another folder"
        case .noCurl(let reason): "the program curl cannot be run (\(reason)); install it, or fetch the files by hand"
        }
    }

    private static func list(_ files: [String]) -> String {
        if files.isEmpty { return "it has none" }
        return "it has " + files.prefix(12).joined(separator: ", ") + (files.count > 12 ? ", …" : "")
    }
}
