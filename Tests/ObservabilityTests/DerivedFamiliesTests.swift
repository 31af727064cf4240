import Testing

@testable import Observability

/// Counters by name, second names, and gauges that are read at the scrape.
@Suite struct DerivedFamiliesTests {
    @Test func namedCountersGrowAndStayBounded() {
        let registry = MetricsRegistry()
        let counters = registry.namedCounters("key_seconds_total", "Seconds.", label: "key")
        counters["b"].increment(by: 2.5)
        counters["a"].increment()
        counters["b"].increment(by: 1)
        #expect(
            registry.prometheusText() == """
                # HELP key_seconds_total Seconds.
                # TYPE key_seconds_total counter
                key_seconds_total{key="a"} 1
                key_seconds_total{key="b"} 3.5

                """)
        for index in 0..<10_000 { counters["k\(index)"].increment() }
        let series = registry.prometheusText().split(separator: "\n").count { $0.hasPrefix("key_seconds_total{") }
        #expect(series == NamedCounters.nameLimit + 1)
        #expect(counters["one more"].value > 5000)
    }

    @Test func aliasShowsTheSameNumbersUnderItsOwnName() {
        let registry = MetricsRegistry()
        let gauge = registry.gauge("running", "Running.")
        let histogram = registry.histogram("time_seconds", "Time.", edges: [1, 2])
        registry.alias("vllm:running", "Running.", labels: ["model_name": "a \"b\""], of: gauge)
        registry.alias("vllm:time_seconds", "Time.", labels: ["model_name": "m"], of: histogram)
        gauge.set(3)
        histogram.observe(1.5)
        let text = registry.prometheusText()
        #expect(text.contains("\nvllm:running{model_name=\"a \\\"b\\\"\"} 3\n"))
        #expect(text.contains("\nvllm:time_seconds_bucket{model_name=\"m\",le=\"2\"} 1\n"))
        #expect(text.contains("\nvllm:time_seconds_count{model_name=\"m\"} 1\n"))
    }

    @Test func measuredGaugesAreReadAtTheScrape() {
        let registry = MetricsRegistry()
        registry.gauges("tokens", "Tokens.", label: "state", ["total": { 8 }, "used": { 2 }])
        #expect(registry.prometheusText().hasSuffix("tokens{state=\"total\"} 8\ntokens{state=\"used\"} 2\n"))
    }
}
