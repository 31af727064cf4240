internal import Credentials
internal import Kernels
internal import Yams

/// The texts of all settings after merging: file, then environment, then arguments; the later wins.
public struct ConfigurationLayers: Sendable, Equatable {
    /// A setting's text and where it was given.
    public struct Entry: Sendable, Equatable {
        public let text: String
        public let origin: ConfigurationOrigin
    }

    private var entries: [ConfigurationKey: Entry] = [:]
    /// The entries of `api_keys`; nil where no file has the list.
    var keys: [APIKey]?

    /// Nothing set: every key has its default.
    public init() {}

    /// The given value, else the default, else nil.
    public subscript(key: ConfigurationKey) -> Entry? {
        entries[key] ?? key.definition.fallback.map { Entry(text: $0, origin: .builtIn) }
    }

    /// Takes the settings of a YAML file. Unknown keys, lists and nested mappings are errors; `null` leaves a key
    /// unset.
    public mutating func merge(yaml text: String, path: String) throws(ConfigurationError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw .unreadableFile(path: path, reason: "\(error)")
        }
        guard let root, root.tag != Tag(.null) else { return }
        guard let mapping = root.mapping else { throw .notAMapping(path: path) }
        for (name, value) in mapping {
            guard let name = name.scalar?.string else { throw .notAMapping(path: path) }
            let line = name.isEmpty ? path : "\(path)\(value.mark.map { ":\($0.line)" } ?? "")"
            if name == "api_keys" {
                try merge(keys: value, path: path)
                continue
            }
            guard let key = ConfigurationKey(rawValue: name) else { throw .unknownKey(name, origin: .file(line)) }
            guard let scalar = value.scalar else { throw .notAScalar(key, origin: .file(line)) }
            if value.tag == Tag(.null) { continue }
            entries[key] = Entry(text: scalar.string, origin: .file(line))
        }
    }

    /// Takes the `KEYHOLD_*` variables of an environment and returns the names that mean nothing here. Those are no
    /// error: Kubernetes, for one, sets `KEYHOLD_SERVICE_HOST` and its like in every pod beside a service named
    /// keyhold. `KEYHOLD_ISA` is no setting, but means something where it names kernels that this CPU runs.
    public mutating func merge(environment: [String: String]) -> [String] {
        let known = Dictionary(uniqueKeysWithValues: ConfigurationKey.allCases.map { ($0.environmentName, $0) })
        var unknown: [String] = []
        for (name, text) in environment where name.hasPrefix("KEYHOLD_") {
            if let key = known[name] {
                entries[key] = Entry(text: text, origin: .environment(name))
            } else if name == "KEYHOLD_API_KEY" {
                // For `keyhold top`.
            } else if name != KernelTable.environmentName || KernelTable.named(text) == nil {
                unknown.append(name)
            }
        }
        return unknown.sorted()
    }

    /// Takes the options of the command line.
    public mutating func merge(arguments: [ConfigurationKey: String]) {
        for (key, text) in arguments { entries[key] = Entry(text: text, origin: .argument(key.argumentName)) }
    }
}
