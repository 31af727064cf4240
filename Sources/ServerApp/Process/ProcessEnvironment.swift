internal import Foundation
internal import Glibc

/// What the operating system says about this process.
public enum ProcessEnvironment {
    /// The environment's variables.
    static func variables() -> [String: String] { ProcessInfo.processInfo.environment }

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
