import Testing

@testable import Observability

enum Color: String, CaseIterable { case red, green }

@Suite struct MetricsRegistryTests {
    @Test func everyKindSurvivesAStrictParser() throws {
        let registry = MetricsRegistry()
        let counter = registry.counter("keyhold_tokens_total", "Tokens.\nSecond line with \\ in it.")
        let gauge = registry.gauge("keyhold_level", "A level.")
        let family = registry.counter(
            "keyhold_requests_total", "Requests.",
            labels: [LabelDimension("color", Color.self), LabelDimension("policy", ["full", "q\"u\\o\nte"])])
        let histogram = registry.histogram("keyhold_seconds", "Seconds.", edges: [0.25, 1, 4])
        registry.gauge("keyhold_measured", "Measured.") { -1.5 }
        registry.info("keyhold_build_info", "Build.", ["version": "1.0", "isa": "avx2"])
        counter.increment(by: 7)
        gauge.set(-0.125)
        family["green", "q\"u\\o\nte"].increment()
        family["red", "unheard of"].increment(by: 2)
        for value in [0.1, 0.25, 0.26, 3, 100, .nan] { histogram.observe(value) }

        let parsed = try ExpositionParser(registry.prometheusText())

        #expect(parsed.value("keyhold_tokens_total") == 7)
        #expect(parsed.families["keyhold_tokens_total"]?.help == "Tokens.\\nSecond line with \\\\ in it.")
        #expect(parsed.value("keyhold_level") == -0.125)
        #expect(parsed.value("keyhold_requests_total", ["color": "green", "policy": "q\"u\\o\nte"]) == 1)
        #expect(parsed.value("keyhold_requests_total", ["color": "red", "policy": "other"]) == 2)
        #expect(parsed.value("keyhold_requests_total", ["color": "red", "policy": "full"]) == 0)
        #expect(parsed.value("keyhold_seconds_bucket", ["le": "0.25"]) == 2)
        #expect(parsed.value("keyhold_seconds_bucket", ["le": "1"]) == 3)
        #expect(parsed.value("keyhold_seconds_bucket", ["le": "4"]) == 4)
        #expect(parsed.value("keyhold_seconds_bucket", ["le": "+Inf"]) == 5)
        #expect(parsed.value("keyhold_seconds_count") == 5)
        #expect(abs((parsed.value("keyhold_seconds_sum") ?? 0) - 103.61) < 1e-9)
        #expect(parsed.value("keyhold_measured") == -1.5)
        #expect(parsed.value("keyhold_build_info", ["version": "1.0", "isa": "avx2"]) == 1)
    }

    @Test func emptyRegistryRendersNothing() {
        #expect(MetricsRegistry().prometheusText() == "")
    }

    @Test func largeFamiliesRenderOnlyTouchedSeries() throws {
        let registry = MetricsRegistry()
        let family = registry.counter(
            "wide_total", "Wide.", labels: [LabelDimension("number", (0..<100).map(String.init))])
        family["42"].increment()
        let parsed = try ExpositionParser(registry.prometheusText())
        #expect(parsed.families["wide_total"]?.samples.map(\.labels) == [["number": "42"]])
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (5, "5"), (0.1, "0.1"), (1e-7, "1e-07"), (1e300, "1e+300"), (-2.5, "-2.5"),
        (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (9007199254740991, "9007199254740991"),
    ])
    func numbersReadBackTheSame(value: Double, text: String) {
        #expect(PrometheusText.number(value) == text)
    }

    @Test func concurrentUpdatesLoseNothing() async {
        let registry = MetricsRegistry()
        let counter = registry.counter("c_total", "C.")
        let histogram = registry.histogram("h", "H.", edges: [1, 2])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for index in 0..<2000 {
                        counter.increment()
                        histogram.observe(Double(index % 3))
                    }
                }
            }
        }
        #expect(counter.value == 8000)
        #expect(histogram.count == 8000)
    }

    @Test(arguments: [
        "keyhold_x 1", "# TYPE x counter\nx 1\n", "# HELP x h\n# TYPE x counter\ny 1\n",
        "# HELP x h\n# TYPE x counter\nx{a=\"b} 1\n", "# HELP x h\n# TYPE x counter\nx one\n",
        "# HELP x h\n# TYPE x counter\nx 1\nx 1\n",
        "# HELP x h\n# TYPE x histogram\nx_bucket{le=\"1\"} 2\nx_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 1\n",
        "# HELP x h\n# TYPE x histogram\nx_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 2\n",
    ])
    func theParserRejectsBrokenText(text: String) {
        #expect(throws: ExpositionParser.Failure.self) { try ExpositionParser(text) }
    }

    @Test func standardEdgesArePartOfOurs() {
        let openTelemetryFirst = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
        let openTelemetryPer = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]
        #expect(Set(openTelemetryFirst).isSubset(of: BucketEdges.timeToFirstToken))
        #expect(Set(openTelemetryPer).isSubset(of: BucketEdges.timePerToken))
        #expect(BucketEdges.requestDuration.prefix(14).map(PrometheusText.number).last == "81.92")
    }

    @Test func processMetricsAreReadFromTheKernel() throws {
        let registry = MetricsRegistry()
        ProcessMetrics.register(in: registry)
        let parsed = try ExpositionParser(registry.prometheusText())
        #expect(parsed.value("process_resident_memory_bytes") ?? 0 > 1_048_576)
        #expect(parsed.value("process_open_fds") ?? 0 > 2)
        #expect(parsed.value("process_cpu_seconds_total") ?? 0 > 0)
    }
}
