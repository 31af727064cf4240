import Foundation

/// A certificate for `localhost` and 127.0.0.1 that signs itself, made by the program openssl.
public struct TestCertificate {
    public let certificate: String
    public let key: String

    /// Whether the programs that the tests of TLS need are here.
    public static let canBeMade = ["openssl", "curl"].allSatisfy { name in
        ["/usr/bin/", "/usr/local/bin/", "/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + name) }
    }

    /// Writes `NAME.crt` and `NAME.key`; `name` is the common name too.
    public init(_ name: String, in folder: TemporaryFolder) throws {
        certificate = "\(folder.path)/\(name).crt"
        key = "\(folder.path)/\(name).key"
        _ = try Tool.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
                "-out", certificate,
            ])
    }
}

/// A program of the system, run to its end.
public enum Tool {
    /// Exit status, standard output, standard error.
    public struct Outcome: Sendable {
        public let status: Int32
        public let text: String
        public let errorText: String
    }

    public static func run(_ name: String, _ arguments: [String], input: String = "") throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [name] + arguments
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, stderr)
        try process.run()
        try? stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try? stdin.fileHandleForWriting.close()
        let output = stdout.fileHandleForReading.readDataToEndOfFile()
        let errors = stderr.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, text: String(decoding: output, as: UTF8.self),
            errorText: String(decoding: errors, as: UTF8.self))
    }
}
