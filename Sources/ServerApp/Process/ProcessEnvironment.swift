internal import Foundation
internal import Glibc

/// What the operating system says about this process.
public enum ProcessEnvironment {
    /// The environment's variables.
    static func variables() -> [String: String] { ProcessInfo.processInfo.environment }

    /// One of the environment's variables; nil where it is not set or empty.
    public static func variable(_ name: String) -> String? { variables()[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// Cores this process may run on; an affinity mask counts.
    public static func availableCores() -> Int { ProcessInfo.processInfo.activeProcessorCount }

    /// The folder of the running executable.
    static func executableFolder() -> String? {
        guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            return nil
        }
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }

    /// Standard error shows on a terminal.
    static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
