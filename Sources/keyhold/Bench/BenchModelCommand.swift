public import ArgumentParser
public import Benchmarking
internal import ServerApp

/// `keyhold bench model`.
struct BenchModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Write a GGUF file with random weights of a given shape.",
        discussion: """
            The file is as large and as fast as a real model of that shape and says nothing sensible. Other programs \
            that read Llama models in GGUF can load it too.
            """)

    @Argument(help: "File to write.")
    var path: String

    @Option(help: "\(ModelShape.allCases.map(\.rawValue).joined(separator: ", ")).")
    var shape: ModelShape = .smol135m

    @Option(help: "Type of the matrices: \(WeightType.allCases.map(\.rawValue).joined(separator: ", ")).")
    var type: WeightType = .q8_0

    @Option(help: "Same seed, same file.")
    var seed: UInt64 = 1

    func run() throws {
        let bytes = try RandomModel(shape: shape, type: type, seed: seed).write(to: path)
        StandardOutput.write("\(path): \(bytes) bytes\n")
    }
}

extension ModelShape: ExpressibleByArgument {}
extension WeightType: ExpressibleByArgument {}
