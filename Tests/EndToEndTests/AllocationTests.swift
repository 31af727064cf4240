import Foundation
import TestSupport
import Testing

/// What a step allocates. Another program counts it: `deploy/checks/counted_allocations.c` is loaded before the
/// allocator, and two runs differ in the number of tokens alone.
@Suite struct AllocationTests {
    /// Builds the counter; nil with a printed note where there is no compiler.
    private static func counter(in folder: TemporaryFolder) throws -> String? {
        let library = "\(folder.path)/counter.so"
        let build = try Command.run(
            program: URL(filePath: "/usr/bin/env"),
            ["clang", "-shared", "-fPIC", "-O1", "-o", library, "\(TestFiles.packageRoot)/\(source)"])
        guard build.status == 0 else {
            print("skipped AllocationTests: clang does not build \(source): \(build.errorText)")
            return nil
        }
        return library
    }

    private static let source = "deploy/checks/counted_allocations.c"

    /// Allocations of a run that generates so many tokens.
    private static func allocations(
        tokens: Int, _ arguments: [String], counter: String, in folder: TemporaryFolder
    ) throws -> Int {
        let path = "\(folder.path)/count"
        let outcome = try Command.run(
            ["generate", "The code of Ann is", "-n", "\(tokens)"] + arguments,
            environment: ["LD_PRELOAD": counter, "KEYHOLD_ALLOCATION_COUNT": path])
        #expect(outcome.status == 0, "\(outcome.errorText)")
        let text = String(decoding: try #require(TestFiles.bytes(of: path)), as: UTF8.self)
        return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// Scheduler, engine, sampler and text of a token together. Optimised code allocates nothing for it, which
    /// deploy/checks/allocations shows of a release build; in a debug build the compiler boxes what it otherwise sees
    /// through, some 260 times for this model's layers.
    #if DEBUG
        private static let mostPerToken = 400
    #else
        private static let mostPerToken = 0
    #endif

    @Test(arguments: [[String](), ["--kv-policy", "keyformer", "--kv-budget-tokens", "16"]])
    func aTokenAllocatesNothingThatTheOptimiserWouldLeave(policy: [String]) throws {
        let folder = try TemporaryFolder()
        guard let counter = try Self.counter(in: folder) else { return }
        for threads in 1...2 {
            let arguments = ["--threads", "\(threads)"] + policy
            let few = try Self.allocations(tokens: 64, arguments, counter: counter, in: folder)
            let many = try Self.allocations(tokens: 192, arguments, counter: counter, in: folder)
            // Threads that start late or early move a handful from one run to the next.
            #expect(many - few <= 128 * Self.mostPerToken + 8, "\(arguments)")
        }
    }
}
