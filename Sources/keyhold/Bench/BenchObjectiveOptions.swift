internal import ArgumentParser
internal import Benchmarking

/// What a good answer is.
struct BenchObjectiveOptions: ParsableArguments {
    @Option(name: .customLong("slo-ttft-ms"), help: "Milliseconds within which a good answer's first token comes.")
    var ttft = 2000.0

    @Option(
        name: .customLong("slo-itl-ms"), help: "Most milliseconds per further token of a good answer, on average.")
    var itl = 200.0

    @Option(name: .customLong("slo-e2e-ms"), help: "Milliseconds within which a good answer is whole; any if absent.")
    var wholeTime: Double?

    var objective: LoadSettings.Objective {
        var objective = LoadSettings.Objective()
        objective.ttftSeconds = ttft / 1000
        objective.tpotSeconds = itl / 1000
        objective.wholeSeconds = wholeTime.map { $0 / 1000 } ?? .infinity
        return objective
    }
}
