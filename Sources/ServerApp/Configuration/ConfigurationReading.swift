/// Typed reading of merged settings; each reader checks form and range once.
extension ConfigurationLayers {
    func text(_ key: ConfigurationKey) throws(ConfigurationError) -> String? {
        guard let entry = self[key] else { return nil }
        if case .choice(let words) = key.definition.form, !words.contains(entry.text) {
            throw bad(key, entry, "one of \(words.joined(separator: ", "))")
        }
        if case .choiceOrFile(let words, let ending) = key.definition.form, !words.contains(entry.text),
            !entry.text.hasSuffix(ending)
        {
            throw bad(key, entry, "one of \(words.joined(separator: ", ")), or the path of a file *\(ending)")
        }
        guard !entry.text.isEmpty else { throw bad(key, entry, "not empty") }
        return entry.text
    }

    func count(_ key: ConfigurationKey) throws(ConfigurationError) -> Int? {
        guard case .count(let range) = key.definition.form, let entry = self[key] else { return nil }
        guard let value = Int(entry.text), range.contains(value) else {
            throw bad(key, entry, "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func bytes(_ key: ConfigurationKey) throws(ConfigurationError) -> Int? {
        guard case .bytes(let range) = key.definition.form, let entry = self[key] else { return nil }
        guard let value = ConfigurationText.bytes(entry.text), range.contains(value) else {
            let (low, high) = (
                ConfigurationText.byteText(range.lowerBound), ConfigurationText.byteText(range.upperBound)
            )
            throw bad(key, entry, "a size from \(low) to \(high), such as 512MiB")
        }
        return value
    }

    func duration(_ key: ConfigurationKey) throws(ConfigurationError) -> Duration? {
        guard case .duration(let range) = key.definition.form, let entry = self[key] else { return nil }
        guard let value = ConfigurationText.duration(entry.text), range.contains(value) else {
            let (low, high) = (
                ConfigurationText.durationText(range.lowerBound), ConfigurationText.durationText(range.upperBound)
            )
            throw bad(key, entry, "a time from \(low) to \(high), such as 30s")
        }
        return value
    }

    func ratio(_ key: ConfigurationKey) throws(ConfigurationError) -> Int? {
        guard let entry = self[key] else { return nil }
        guard let value = ConfigurationText.millionths(entry.text) else {
            throw bad(key, entry, "a decimal number from 0 to 1 with at most six decimal places")
        }
        return value
    }

    func flag(_ key: ConfigurationKey) throws(ConfigurationError) -> Bool? {
        guard let entry = self[key] else { return nil }
        switch entry.text {
        case "true", "1", "yes", "on": return true
        case "false", "0", "no", "off": return false
        default: throw bad(key, entry, "true or false")
        }
    }

    private func bad(_ key: ConfigurationKey, _ entry: Entry, _ expected: String) -> ConfigurationError {
        .badValue(key, value: entry.text, expected: expected, origin: entry.origin)
    }
}
