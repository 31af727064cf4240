import ServerApp
import Testing

/// README and the sample configuration name what exists, all of it, and nothing else.
@Suite struct DocumentationTests {
    @Test func readmeNamesEveryKeyAndRoute() throws {
        #expect(Self.unnamed(in: try SourceTree.text("README.md")) == [])
    }

    @Test func readmesTableOfKeysIsTheDefinitions() throws {
        let text = try SourceTree.text("README.md")
        for key in ConfigurationKey.allCases {
            let fallback = key.definition.fallback.map { "`\($0)`" } ?? ""
            let row = "| `\(key.rawValue)` | \(fallback) | \(key.definition.meaning) |"
            #expect(text.contains(row), "\(row)")
        }
    }

    @Test func aForgottenKeyOrRouteIsReported() throws {
        let text = try SourceTree.text("README.md")
        #expect(Self.unnamed(in: text.replacing("`kv_pool_bytes`", with: "")) == ["kv_pool_bytes"])
        #expect(Self.unnamed(in: text.replacing("/v1/models/{id}", with: "")) == ["/v1/models/{id}"])
    }

    @Test func sampleHoldsEveryKeyWithItsDefault() throws {
        let sample = try SourceTree.text("config/keyhold.yaml")
        let given = sample.split(separator: "\n").compactMap { line -> (String, String)? in
            guard let colon = line.firstIndex(of: ":"), line.first != "#" else { return nil }
            return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        #expect(Set(given.map(\.0)).count == given.count)
        for (key, value) in given {
            #expect(ConfigurationKey(rawValue: key)?.definition.fallback == value, "\(key)")
        }
        for key in ConfigurationKey.allCases {
            let isOptional = key.definition.fallback == nil
            #expect(sample.contains("\n\(isOptional ? "# " : "")\(key.rawValue): "), "\(key.rawValue)")
        }
        var layers = ConfigurationLayers()
        try layers.merge(yaml: sample, path: "config/keyhold.yaml")
        _ = try ServerConfiguration(layers)
    }

    @Test func commentedExamplesOfTheSampleAreValidOneByOne() throws {
        let sample = try SourceTree.text("config/keyhold.yaml")
        for key in ConfigurationKey.allCases where key.definition.fallback == nil {
            let prefix = "# \(key.rawValue): "
            let line = try #require(sample.split(separator: "\n").first { $0.hasPrefix(prefix) })
            var layers = ConfigurationLayers()
            // A key file is nothing without its certificate.
            let before = key == .tlsKey ? "tls_certificate: a.pem\n" : ""
            try layers.merge(yaml: before + line.dropFirst(2), path: "config/keyhold.yaml")
            _ = try ServerConfiguration(layers)
        }
    }

    /// A misspelt variable in a container's or a pod's settings would only be a warning in a log.
    @Test func deploymentsSetWhatCanBeSet() throws {
        let known = Set(ConfigurationKey.allCases.map(\.environmentName))
        for path in ["deploy/container/Dockerfile", "deploy/kubernetes/kustomization.yaml"] {
            let names = try SourceTree.text(path).matches(of: /\bKEYHOLD_[A-Z_]+=/).map { $0.output.dropLast() }
            #expect(!names.isEmpty)
            for name in names { #expect(known.contains(String(name)), "\(path): \(name)") }
        }
    }

    /// Keys and routes that the text does not name in code style.
    private static func unnamed(in text: String) -> [String] {
        ConfigurationKey.allCases.map(\.rawValue).filter { !text.contains("`\($0)`") }
            + Route.allCases.map(\.rawValue).filter { !text.contains("`\($0)`") && !text.contains(" \($0)`") }
    }
}
