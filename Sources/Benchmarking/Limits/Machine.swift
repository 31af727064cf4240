internal import Foundation
internal import Kernels

/// The machine of a run, as far as it decides speed.
public struct Machine: Sendable, Equatable {
    public let processor: String
    /// Cores this process may use.
    public let cores: Int
    public let memoryBytes: Int
    /// Memory that programs can have now.
    public let availableBytes: Int
    /// Size of the last-level cache as the system tells it; a virtual machine may own less.
    public let lastCacheBytes: Int
    /// Instruction sets of the processor that matter here.
    public let features: [String]
    /// Kernels in use.
    public let isa: String
    public let system: String

    private static let knownFeatures = [
        "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
        "avx512_fp16", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve",
    ]

    /// This machine.
    public static func current() -> Machine {
        let cpu = text("/proc/cpuinfo")
        let flags = Set((field("flags", of: cpu) ?? field("Features", of: cpu) ?? "").split(separator: " "))
        let memory = text("/proc/meminfo")
        return Machine(
            processor: field("model name", of: cpu) ?? field("CPU part", of: cpu) ?? "unknown",
            cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: kibibytes("MemTotal", of: memory), availableBytes: kibibytes("MemAvailable", of: memory),
            lastCacheBytes: lastCache(), features: knownFeatures.filter { flags.contains(Substring($0)) },
            isa: KernelTable.best.isa, system: text("/proc/sys/kernel/osrelease").trimmingCharacters(in: .newlines))
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    /// The value behind `name :` on the first line that begins so.
    private static func field(_ name: String, of text: String) -> String? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == name else { continue }
            return parts[1].trimmingCharacters(in: .whitespaces)
        }
        return nil
    }

    private static func kibibytes(_ name: String, of text: String) -> Int {
        let digits = field(name, of: text)?.split(separator: " ").first
        return digits.flatMap { Int($0) }.map { $0 << 10 } ?? 1 << 30
    }

    /// The largest cache of the first core.
    private static func lastCache() -> Int {
        (0..<8).compactMap { index in
            let size = text("/sys/devices/system/cpu/cpu0/cache/index\(index)/size")
                .trimmingCharacters(in: .newlines)
            return size.hasSuffix("K") ? Int(size.dropLast()).map { $0 << 10 } : nil
        }.max() ?? 32 << 20
    }
}
