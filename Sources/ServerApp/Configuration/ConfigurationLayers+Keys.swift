internal import Credentials
internal import Yams

/// The list `api_keys` of a file: an entry for each key.
extension ConfigurationLayers {
    /// Fields of an entry.
    private enum Field: String, CaseIterable {
        case name, hash, weight, priority, admin
        case kvMaxBytes = "kv_max_bytes"
        case requestsPerMinute = "requests_per_minute"
        case maxConcurrent = "max_concurrent"
        case maxSequences = "max_sequences"
    }

    /// A file that holds nothing but `api_keys`.
    mutating func merge(keysYAML text: String, path: String) throws(ConfigurationError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw .unreadableFile(path: path, reason: "\(error)")
        }
        guard let mapping = root?.mapping, mapping.count == 1, let list = mapping["api_keys"] else {
            throw .unreadableFile(path: path, reason: "must hold the list api_keys and nothing else")
        }
        try merge(keys: list, path: path)
    }

    /// Takes the entries of a list.
    mutating func merge(keys node: Node, path: String) throws(ConfigurationError) {
        var entries = keys ?? []
        if node.tag != Tag(.null) {
            guard let list = node.sequence else {
                throw .badEntry(
                    "api_keys", expected: "a list with an entry for each key", origin: Self.origin(node, path))
            }
            for (index, entry) in list.enumerated() {
                entries.append(try Self.key(entry, name: "api_keys[\(index)]", path: path))
            }
        }
        do {
            _ = try KeyRing(entries)
        } catch {
            throw .badEntry(
                "api_keys", expected: "a list without repetitions: \(error)", origin: Self.origin(node, path))
        }
        keys = entries
    }

    private static func key(_ node: Node, name: String, path: String) throws(ConfigurationError) -> APIKey {
        let origin = origin(node, path)
        guard let mapping = node.mapping else {
            throw .badEntry(name, expected: "a mapping with name and hash", origin: origin)
        }
        var texts: [Field: String] = [:]
        for (key, value) in mapping {
            guard let text = key.scalar?.string, let field = Field(rawValue: text) else {
                let known = Field.allCases.map(\.rawValue).joined(separator: ", ")
                throw .badEntry("\(name).\(key.scalar?.string ?? "")", expected: "one of \(known)", origin: origin)
            }
            guard let scalar = value.scalar else {
                throw .badEntry("\(name).\(text)", expected: "a single value", origin: origin)
            }
            if value.tag != Tag(.null) { texts[field] = scalar.string }
        }
        return try key(texts, name: name, origin: origin)
    }

    private static func key(
        _ texts: [Field: String], name: String, origin: ConfigurationOrigin
    ) throws(ConfigurationError) -> APIKey {
        func value<Value>(
            _ field: Field, _ expected: String, _ read: (String) -> Value?
        ) throws(ConfigurationError) -> Value? {
            guard let text = texts[field] else { return nil }
            guard let value = read(text) else {
                throw .badEntry("\(name).\(field.rawValue)", value: text, expected: expected, origin: origin)
            }
            return value
        }
        func count(_ field: Field, _ range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
            try value(field, "an integer from \(range.lowerBound) to \(range.upperBound)") { text in
                Int(text).flatMap { range.contains($0) ? $0 : nil }
            }
        }
        let holder = try value(.name, "1 to 64 letters, digits, -, _ or ., not 'anonymous' and not 'other'") {
            APIKey.isName($0) ? $0 : nil
        }
        // A wrong hash may be the key itself: it is not shown.
        guard let digest = texts[.hash].flatMap({ KeyDigest(hexadecimal: $0) }) else {
            throw .badEntry(
                "\(name).hash", expected: "the key's SHA-256, 64 hexadecimal digits; `keyhold key new NAME` prints one",
                origin: origin)
        }
        guard let holder else { throw .badEntry("\(name).name", expected: "given", origin: origin) }
        var key = APIKey(name: holder, digest: digest)
        let weights = APIKey.weights
        key.weight =
            try value(.weight, "a number from \(weights.lowerBound) to \(weights.upperBound)") { text in
                Double(text).flatMap { weights.contains($0) ? $0 : nil }
            } ?? key.weight
        key.kvMaxBytes = try value(.kvMaxBytes, "a size of at least 64KiB, such as 512MiB") { text in
            ConfigurationText.bytes(text).flatMap { $0 >= 65_536 ? $0 : nil }
        }
        key.requestsPerMinute = try count(.requestsPerMinute, 1...1_000_000)
        key.maxConcurrent = try count(.maxConcurrent, 1...65_536)
        key.maxSequences = try count(.maxSequences, 1...65_536)
        key.priority = try count(.priority, APIKey.priorities) ?? key.priority
        key.isAdmin = try value(.admin, "true or false") { ["true": true, "false": false][$0] } ?? false
        return key
    }

    private static func origin(_ node: Node, _ path: String) -> ConfigurationOrigin {
        .file("\(path)\(node.mark.map { ":\($0.line)" } ?? "")")
    }

    /// The entries as a file would say them, hashes masked; empty where no key is needed.
    var printedKeys: String {
        guard let keys else { return "# api_keys:  (Who may use the server; everybody if absent.)\n" }
        if keys.isEmpty { return "api_keys: []\n" }
        return "api_keys:  # hashes are masked\n"
            + keys.map { key in
                var fields = ["name: \(key.name)", "hash: \"********\""]
                if key.weight != 1 { fields.append("weight: \(key.weight)") }
                if let bytes = key.kvMaxBytes { fields.append("kv_max_bytes: \(ConfigurationText.byteText(bytes))") }
                if let count = key.requestsPerMinute { fields.append("requests_per_minute: \(count)") }
                if let count = key.maxConcurrent { fields.append("max_concurrent: \(count)") }
                if let count = key.maxSequences { fields.append("max_sequences: \(count)") }
                if key.isAdmin { fields.append("admin: true") }
                if key.priority != 0 { fields.append("priority: \(key.priority)") }
                return "  - {\(fields.joined(separator: ", "))}\n"
            }.joined()
    }
}
