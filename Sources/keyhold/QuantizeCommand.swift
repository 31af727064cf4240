internal import ArgumentParser
internal import Foundation
internal import Kernels
internal import ModelFiles
internal import Quantization
internal import ServerApp

/// `keyhold quantize`: a model in fewer bits.
struct QuantizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize",
        abstract: "Write a model as GGUF with its matrices in fewer bits.",
        discussion: """
            Scales are searched for the least squared error. Which matrices of a mix get more bits is chosen as \
            llama.cpp chooses. The file appears when it is whole. A Hugging Face folder is converted first; the file \
            for that stands beside the output and goes again.
            """)

    @Argument(help: "GGUF file with F32, F16 or BF16 weights, of a split model any part; or a Hugging Face folder.")
    var input: String

    @Argument(help: "File to write.")
    var output: String

    @Argument(help: "\(QuantizationType.names).")
    var type: String

    @Option(name: [.customShort("t"), .long], help: "Threads that compute; one per core if absent.")
    var threads: Int?

    func validate() throws {
        guard (1...512).contains(threads ?? 1) else {
            throw ValidationError("--threads is \(threads ?? 0) but must be from 1 to 512.")
        }
    }

    func run() throws {
        let type = try QuantizationType(name: type)
        let bar = ProgressBar()
        defer { bar.end() }
        let source =
            switch try ModelSource.open(path: input) {
            case .gguf(let file): file
            case .huggingFace(let folder): try converted(folder, bar)
            }
        let compute = try Compute(threadCount: threads ?? ProcessEnvironment.availableCores())
        defer { compute.stop() }
        let outcome = try ModelQuantizer(source, type: type).write(to: output, compute: compute) { share in
            bar.show("\(Int(share * 100)) %")
        }
        bar.end()
        if let first = outcome.fallbacks.first {
            let others = outcome.fallbacks.count > 1 ? " and \(outcome.fallbacks.count - 1) more" : ""
            StandardError.write("\(first)\(others): rows that do not fill the blocks of \(type.rawValue)\n")
        }
        let mix = outcome.mix.map { "\($0.typeName) \($0.tensors) tensors, \($0.bytes) bytes" }
        StandardOutput.write("\(output): \(outcome.byteCount) bytes; \(mix.joined(separator: "; "))\n")
    }

    /// The folder as a GGUF file without loss. Its name is gone when this returns; the mapped pages are not.
    private func converted(_ folder: SafetensorsFolder, _ bar: ProgressBar) throws -> GGUFFile {
        var conversion = ModelConversion(
            folder: input, output: "\(output).converted-\(ProcessInfo.processInfo.processIdentifier)")
        conversion.type = ModelConversion.WeightType.lossless(for: folder)
        defer { try? FileManager.default.removeItem(atPath: conversion.output) }
        _ = try conversion.run { bar.show("converted \(Int($0 * 100)) %") }
        return try GGUFFile(path: conversion.output)
    }
}
