import Foundation
import Generation
import ServerApp
import Testing

/// Ranges, conflicts and the printed form of a configuration.
@Suite struct ServerConfigurationTests {
    private func configuration(_ arguments: [ConfigurationKey: String]) throws -> ServerConfiguration {
        var layers = ConfigurationLayers()
        layers.merge(arguments: arguments)
        return try ServerConfiguration(layers)
    }

    @Test func defaultsAreValid() throws {
        let configuration = try configuration([:])
        #expect(configuration.front.port == 8080)
        #expect(configuration.front.host == "127.0.0.1")
        #expect(configuration.kvPoolBytes == 1 << 30)
        #expect(configuration.cacheDefaults.policy == "keyformer")
        #expect(configuration.cacheDefaults.budget == nil)
        #expect(configuration.admission.overloadStatus == 429)
    }

    @Test func probesGoWhereTheyAreAnswered() throws {
        func address(_ arguments: [ConfigurationKey: String]) throws -> ServerConfiguration.ProbeAddress {
            try configuration(arguments).probeAddress
        }
        #expect(try address([:]) == .http(host: "127.0.0.1", port: 8080))
        #expect(try address([.host: "0.0.0.0", .port: "9"]) == .http(host: "127.0.0.1", port: 9))
        #expect(try address([.host: "unix:/run/a"]) == .socket("unix:/run/a"))
        #expect(try address([.metricsListen: "[::]:9090"]) == .http(host: "::1", port: 9090))
        #expect(try address([.tlsCertificate: "/a", .tlsKey: "/b"]) == .encrypted)
        let both: [ConfigurationKey: String] = [.tlsCertificate: "/a", .tlsKey: "/b", .metricsListen: "10.0.0.1:7"]
        #expect(try address(both) == .http(host: "10.0.0.1", port: 7))
    }

    @Test(arguments: [("5", "0", 0), ("5", nil, 2), ("1", nil, 1), (nil, nil, 512), ("5", "9", 9)])
    func anAddressHasHalfOfTheConnectionsUnlessItIsSaid(_ most: String?, _ ofAddress: String?, _ limit: Int) throws {
        var given: [ConfigurationKey: String] = [:]
        given[.maxConnections] = most
        given[.maxConnectionsPerAddress] = ofAddress
        #expect(try configuration(given).front.maxConnectionsPerAddress == limit)
    }

    @Test func everyKeyReachesItsField() throws {
        let configuration = try configuration([
            .model: "m.gguf", .modelName: "n", .chatTemplate: "llama3", .contextTokens: "77", .threads: "3",
            .host: "::1",
            .port: "0", .maxConnections: "5", .maxConnectionsPerAddress: "4", .maxBodyBytes: "1MB",
            .maxHeaderBytes: "2KiB",
            .requestTimeout: "1500ms",
            .idleTimeout: "9s", .writeStallTimeout: "2s", .drainGrace: "0s", .ssePing: "0s", .strictFields: "true",
            .kvPoolBytes: "1.5GiB",
            .kvPolicy: "h2o", .kvBudgetRatio: "0.29", .kvRecentRatio: "0.3", .kvSinkTokens: "4", .kvStorage: "f32",
            .maxSequences: "9", .maxQueue: "0", .queueTimeout: "1m", .rowsPerStep: "11", .overloadStatus: "503",
            .logLevel: "debug", .logFormat: "json", .prefixSharing: "false", .prefixIdleBytes: "3KiB",
        ])
        #expect(configuration.model.path == "m.gguf")
        #expect(configuration.model.name == "n")
        #expect(configuration.model.chatTemplate == "llama3")
        #expect(configuration.model.contextTokens == 77)
        #expect(configuration.model.threads == 3)
        #expect(configuration.front.host == "::1")
        #expect(configuration.front.port == 0)
        #expect(configuration.front.maxConnections == 5)
        #expect(configuration.front.maxConnectionsPerAddress == 4)
        #expect(configuration.front.maxBodyBytes == 1_000_000)
        #expect(configuration.front.maxHeaderBytes == 2048)
        #expect(configuration.front.requestTimeout == .milliseconds(1500))
        #expect(configuration.front.idleTimeout == .seconds(9))
        #expect(configuration.front.writeStallTimeout == .seconds(2))
        #expect(configuration.front.drainGrace == .zero)
        #expect(configuration.front.ssePing == nil)
        #expect(configuration.front.strictFields)
        #expect(configuration.kvPoolBytes == 3 << 29)
        #expect(configuration.cacheDefaults.policy == "h2o")
        #expect(configuration.cacheDefaults.budget == .ratio(millionths: 290_000))
        #expect(configuration.cacheDefaults.recentRatioMillionths == 300_000)
        #expect(configuration.cacheDefaults.sinkTokens == 4)
        #expect(configuration.cacheDefaults.storage == "f32")
        #expect(configuration.admission.maxSequences == 9)
        #expect(configuration.admission.maxQueue == 0)
        #expect(configuration.admission.queueTimeout == .seconds(60))
        #expect(configuration.admission.rowsPerStep == 11)
        #expect(configuration.admission.overloadStatus == 503)
        #expect(!configuration.prefixes.isOn && configuration.prefixes.mostIdleBytes == 3072)
        #expect(configuration.logLevel == "debug")
        #expect(configuration.logFormat == .json)
    }

    @Test(arguments: [
        (ConfigurationKey.port, "65536"), (.port, "-1"), (.port, "8080.5"), (.port, ""), (.port, "0x50"),
        (.threads, "0"),
        (.kvPoolBytes, "12"), (.kvPoolBytes, "lots"), (.kvPoolBytes, "9999999999999TiB"), (.kvPoolBytes, "1 GiB"),
        (.queueTimeout, "5 minutes"), (.queueTimeout, "0s"), (.drainGrace, "-1s"), (.kvBudgetRatio, "0"),
        (.kvBudgetRatio, "1.1"), (.kvBudgetRatio, "NaN"), (.kvBudgetRatio, "1e-1"), (.kvBudgetRatio, "0.12345678"),
        (.kvStorage, "f64"), (.overloadStatus, "500"), (.strictFields, "maybe"), (.logLevel, "loud"), (.host, ""),
        (.maxQueue, "99999999999999999999"), (.chatTemplate, "none"), (.kvPolicy, "best"),
    ])
    func badValuesNameKeyValueAndOrigin(key: ConfigurationKey, value: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try configuration([key: value]) }
        #expect(error.description.contains(key.rawValue))
        #expect(error.description.contains("--\(key.argumentName)"))
        #expect(error.description.contains("'\(value)'"))
    }

    @Test func twoDefaultBudgetsAreAConflict() {
        #expect(throws: ConfigurationError.self) { try configuration([.kvBudgetRatio: "0.5", .kvBudgetTokens: "10"]) }
    }

    /// Each request that names no cache would be refused otherwise.
    @Test func defaultsThatNoPolicyCanFollowAreAConflict() throws {
        for policy in ["streaming", "h2o", "keyformer"] {
            let error = #expect(throws: ConfigurationError.self) {
                try configuration([.kvPolicy: policy, .kvBudgetTokens: "4", .kvSinkTokens: "9"])
            }
            #expect(error?.description.contains("9 sinks") == true)
        }
        for policy in ["full", "window"] {
            _ = try configuration([.kvPolicy: policy, .kvBudgetTokens: "4", .kvSinkTokens: "9"])
        }
        _ = try configuration([.kvPolicy: "streaming", .kvBudgetTokens: "9", .kvSinkTokens: "4"])
    }

    @Test func thePrintedFormIsAFileThatSaysTheSame() throws {
        let original = try configuration([
            .model: "a \"b\"\\ #c: d", .port: "1", .kvBudgetRatio: "0.5", .modelName: "yes",
        ])
        var layers = ConfigurationLayers()
        try layers.merge(yaml: original.printed, path: "printed")
        for key in ConfigurationKey.allCases { #expect(layers[key]?.text == original.layers[key]?.text, "\(key)") }
    }

    @Test func anEmptyFileSetsNothingAndAFolderIsNoFile() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "keyhold-\(UUID()).yaml")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(try ServerConfiguration.load(file: file.path, arguments: [:]).kvPoolBytes == 1 << 30)
        let folder = file.deletingLastPathComponent().path
        let error = #expect(throws: ConfigurationError.self) {
            try ServerConfiguration.load(file: folder, arguments: [:])
        }
        #expect(error?.description.contains("a plain file is expected") == true)
    }

    @Test func missingFileSaysWhichAndWhy() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try ServerConfiguration.load(file: "/nonexistent/keyhold.yaml", arguments: [:])
        }
        #expect(error.description.contains("/nonexistent/keyhold.yaml"))
        #expect(error.description.contains("does not exist"))
    }
}
