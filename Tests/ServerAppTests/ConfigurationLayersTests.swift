import ServerApp
import Testing

/// Where settings come from and which one wins.
@Suite struct ConfigurationLayersTests {
    @Test func laterSourcesWin() throws {
        var layers = ConfigurationLayers()
        #expect(layers[.port]?.text == "8080")
        try layers.merge(yaml: "port: 1\nhost: a\nmax_queue: 1\n", path: "f.yaml")
        let unknown = layers.merge(environment: ["KEYHOLD_PORT": "2", "KEYHOLD_HOST": "b", "PATH": "/"])
        layers.merge(arguments: [.port: "3"])
        #expect(layers[.port]?.text == "3")
        #expect(layers[.host]?.text == "b")
        #expect(layers[.maxQueue]?.text == "1")
        #expect(unknown.isEmpty)
        #expect(layers[.port]?.origin == .argument("port"))
        #expect(layers[.host]?.origin == .environment("KEYHOLD_HOST"))
    }

    @Test func unknownKeyOfAFileIsAnError() {
        var layers = ConfigurationLayers()
        #expect(throws: ConfigurationError.unknownKey("prot", origin: .file("f.yaml:2"))) {
            try layers.merge(yaml: "host: a\nprot: 1\n", path: "f.yaml")
        }
    }

    @Test func unknownVariableIsReportedAndIgnored() {
        var layers = ConfigurationLayers()
        #expect(layers.merge(environment: ["KEYHOLD_SERVICE_HOST": "10.0.0.1"]) == ["KEYHOLD_SERVICE_HOST"])
        #expect(layers.merge(environment: ["KEYHOLD_ISA": "scalar"]) == [])
        #expect(layers.merge(environment: ["KEYHOLD_ISA": "abacus"]) == ["KEYHOLD_ISA"])
        #expect(layers == ConfigurationLayers())
    }

    @Test func nullLeavesAKeyUnset() throws {
        var layers = ConfigurationLayers()
        try layers.merge(yaml: "model: ~\nport: null\n", path: "f.yaml")
        #expect(layers[.model] == nil)
        #expect(layers[.port]?.text == "8080")
    }

    @Test(arguments: ["port: [1]\n", "port: {a: 1}\n"])
    func listsAndMappingsAreErrors(text: String) {
        var layers = ConfigurationLayers()
        #expect(throws: ConfigurationError.self) { try layers.merge(yaml: text, path: "f.yaml") }
    }

    @Test(arguments: ["- a\n", "just text\n", "a: b: c\n", "\"port: 1\n", "\t: x", "port: 1\nport: 2\n"])
    func whatIsNoMappingOfDistinctKeysIsAnError(text: String) {
        var layers = ConfigurationLayers()
        #expect(throws: ConfigurationError.self) { try layers.merge(yaml: text, path: "f.yaml") }
    }

    @Test(arguments: ["", "# only a comment\n", "---\n"])
    func anEmptyFileSetsNothing(text: String) throws {
        var layers = ConfigurationLayers()
        try layers.merge(yaml: text, path: "f.yaml")
        #expect(layers == ConfigurationLayers())
    }
}
