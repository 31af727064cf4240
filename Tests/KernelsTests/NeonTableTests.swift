import Foundation
import Testing

/// The kernels for arm64, which other machines compile and run on an emulated CPU.
@Suite struct NeonTableTests {
    /// Programs that Debian's gcc-aarch64-linux-gnu and qemu-user-static install, and the C library's headers.
    private static let tools = [
        "/usr/bin/aarch64-linux-gnu-gcc", "/usr/bin/qemu-aarch64-static", "/usr/aarch64-linux-gnu/include/stdio.h",
    ]

    /// Where the tools are missing, the name says what a run lacks; `deploy/test` installs them.
    @Test(
        .enabled(
            if: tools.allSatisfy { FileManager.default.fileExists(atPath: $0) },
            "needs Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user-static"))
    func theTablesForArmGiveTheScalarBits() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["bash", "deploy/checks/neon", "--no-install"]
        process.currentDirectoryURL = root
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("neon:") && text.contains("dotprod:") && text.contains("a mutated kernel was found"))
    }
}
