import JSON
import Tensors
import TestSupport
import Testing

@testable import Benchmarking

@Suite(.serialized) struct EngineBenchmarkTests {
    private static func run(
        _ benchmark: EngineBenchmark, type: WeightType = .q8_0
    ) throws -> (report: BenchmarkReport, json: JSONObject) {
        let folder = try TemporaryFolder()
        let path = try RandomModelTests.write(RandomModelTests.shape(for: type), type, seed: 1, in: folder)
        var settings = BenchmarkSettings(modelPath: path, product: "test 1", command: ["keyhold", "bench"])
        settings.isQuick = true
        settings.threads = 2
        let report = try benchmark.run(settings)
        let file = "\(folder.path)/out.json"
        try report.write(to: file)
        let json = try JSONValue(parsing: try #require(TestFiles.bytes(of: file)), limits: .request)
        return (report, try #require(json.asObject))
    }

    @Test(arguments: [
        EngineBenchmark.prefill(tokens: [1, 40]), .decode(depths: [0, 20], steps: 3),
        .batch(sizes: [1, 3], depth: 8, steps: 2),
        .policy(name: "keyformer", budgets: [1_000_000, 500_000], depth: 40, steps: 3, sequences: 2),
    ])
    func everyRowHasARateALimitAndAShare(benchmark: EngineBenchmark) throws {
        let (report, json) = try Self.run(benchmark)
        #expect(report.rows.count == 2)
        let results = try #require(json["results"]?.asArray)
        #expect(results.count == 2)
        for result in results {
            let row = try #require(result.asObject)
            for key in ["median", "min", "max", "limit", "share"] {
                #expect((row[key]?.asDouble ?? 0) > 0, "\(key): \(row)")
            }
            #expect((row["bytes"]?.asInt ?? 0) > 0 && (row["repetitions"]?.asInt ?? 0) > 0)
            #expect(["memory", "compute"].contains(row["bound"]?.asString))
        }
        #expect(report.table.contains("tokens/s"))
    }

    @Test func aReportSaysWhatItTakesToBelieveIt() throws {
        let (_, json) = try Self.run(.prefill(tokens: [4]))
        #expect(json["schema"] == 1 && json["product"] == "test 1")
        #expect(json["command"] == ["keyhold", "bench"])
        #expect(json["date"]?.asString?.hasSuffix("Z") == true)
        #expect((json["machine"]?.asObject?["cores"]?.asInt ?? 0) > 0)
        let limits = try #require(json["limits"]?.asObject)
        for key in ["f32", "int8"] {
            #expect((limits["\(key)_operations_per_second"]?.asDouble ?? 0) > 1e8, "\(limits)")
        }
        #expect((limits["memory_bytes_per_second"]?.asDouble ?? 0) > 1e7)
        #expect(json["model"]?.asObject?["layers"] == 2)
    }

    @Test(arguments: WeightType.allCases)
    func kernelsMultiplyEachShapeOfTheModel(type: WeightType) throws {
        let (report, _) = try Self.run(.kernels, type: type)
        let shapes = Set(report.rows.compactMap { row in row.parameters.first { $0.name == "shape" }?.value.asString })
        let expected: Set =
            RandomModelTests.shape(for: type) == .tiny
            ? ["1024x64", "64x64", "32x64", "128x64", "64x128"]
            : ["1024x256", "256x256", "128x256", "512x256", "256x512"]
        #expect(shapes == expected)
        #expect(report.rows.contains { $0.name == "rms norm" })
        #expect(report.rows.allSatisfy { $0.summary.minimum > 0 })
    }

    @Test func kernelsOfEveryQuantisedTypeAreTimed() throws {
        let (report, _) = try Self.run(.weightTypes)
        let types = report.rows.compactMap { row in row.parameters.first { $0.name == "type" }?.value.asString }
        #expect(types.first == "Q8_0")
        #expect(Set(types) == Set(DType.allCases.filter { $0.blockElements > 1 }.map(\.name)))
        #expect(report.rows.allSatisfy { $0.details.first?.name == "time_per_byte_of_q8_0" })
    }

    /// A pruned cache is read in part: the work that bounds the step shrinks with the budget.
    @Test func theLimitCountsTheSlotsThatAreHeld() throws {
        let (report, _) = try Self.run(
            .policy(name: "h2o", budgets: [1_000_000, 500_000], depth: 80, steps: 2, sequences: 1))
        let bytes = report.rows.compactMap { $0.limit?.work.bytes }
        // Two lanes in two layers, keys and values of 16 halves; 83 fed tokens at the last step, or 40 slots.
        #expect(bytes[0] - bytes[1] == (84 - 40) * 2 * 2 * 2 * 16 * 2)
        #expect(report.rows[0].details.isEmpty)
        let names = ["gain", "policy_share", "beyond_window", "window_tokens_per_second"]
        #expect(report.rows[1].details.map(\.name) == names)
        let share = try #require(report.rows[1].details[1].value.asDouble)
        #expect(share > 0 && share < 1)
    }

    @Test func depthsBeyondTheContextAreRefused() {
        #expect {
            try Self.run(.decode(depths: [4096], steps: 2))
        } throws: { "\($0)".contains("needs 4098 tokens") }
    }

    @Test func aPolicyThatCannotBeHadIsNamed() {
        #expect {
            try Self.run(.policy(name: "best", budgets: [500_000], depth: 8, steps: 1, sequences: 1))
        } throws: { "\($0)".contains("best at 50.0 %") }
    }

    @Test func rooflinesTakeTheSlowerOfReadingAndComputing() {
        let limits = MachineLimits(
            threads: 1, floatOperations: 10, integerOperations: 20, memoryBytes: 5, memoryBufferBytes: 100,
            cacheBytes: 50, cacheBufferBytes: 10, effort: .quick)
        let reading = Roofline(
            Work(bytes: 200, weightOperations: 20, attentionOperations: 0, isQuantised: true), on: limits)
        #expect(reading.seconds == 40 && reading.bound == .memory)
        let computing = Roofline(
            Work(bytes: 10, weightOperations: 20, attentionOperations: 30, isQuantised: true), on: limits)
        #expect(computing.seconds == 4 && computing.bound == .compute)
        let plain = Roofline(
            Work(bytes: 10, weightOperations: 20, attentionOperations: 0, isQuantised: false), on: limits)
        #expect(plain.seconds == 2)
    }

    @Test func numbersAreShownWithThreeDigits() {
        #expect(BenchmarkReport.shown(1234.5) == "1235" || BenchmarkReport.shown(1234.5) == "1234")
        #expect(BenchmarkReport.shown(12.345) == "12.3")
        #expect(BenchmarkReport.shown(1.2345) == "1.23")
        #expect(BenchmarkReport.shown(0.5) == "0.5")
        #expect(BenchmarkReport.shown(0) == "0")
        #expect(BenchmarkReport.shown(.nan) == "–")
    }
}
