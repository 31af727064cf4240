import Decoding
import Generation
import Glibc
import KVCaching
import Kernels
import Synchronization
import Testing

/// A steady decode step takes no memory: what it needs was taken at admission or in the first steps.
///
/// Counts the Swift runtime's objects (classes, arrays, boxes, contexts of closures) through the hook that it has for
/// instruments, and only those of the calling thread, so that other tests may run meanwhile. The team has one thread,
/// so that all work is done there.
@Suite struct StepAllocationTests {
    @Test(arguments: GoldenCase.architectures)
    func aSteadyDecodeStepAllocatesNothing(architecture: String) throws {
        let model = try GoldenModel.load(architecture)
        let engine = try PromiseTests.engine(model, threads: 1)
        var request = KVCacheRequest()
        request.policy = "full"
        let batch = StepBatch(decode: (0..<5).map { .init(sequence: SequenceID($0), token: 7) })
        for row in batch.decode {
            engine.admitFilled(
                SequenceAdmission(
                    id: row.sequence, prompt: PromiseTests.prompt(9, seed: 3),
                    plan: try PromiseTests.plan(request, model, prompt: 9, new: 40), promptLogits: false))
        }
        for _ in 0..<4 { engine.run(batch) { _, _ in } }
        let counter = try #require(ObjectCounter())
        let count = counter.count { for _ in 0..<8 { engine.run(batch) { _, _ in } } }
        #expect(count == 0, "\(count) objects in 8 steps of \(architecture)")
        let control = counter.count { withExtendedLifetime([Int](repeating: 1, count: count + 3)) {} }
        #expect(control > 0, "the counter sees nothing")
    }
}

private typealias Allocation = @convention(c) (UnsafeRawPointer?, Int, Int) -> UnsafeMutableRawPointer?

/// Where the hook, which can capture nothing, finds what it needs. Written while no hook is set.
private nonisolated(unsafe) var original: Allocation?
private nonisolated(unsafe) var countedThread: pthread_t = 0
private nonisolated(unsafe) var objects = 0

/// Counts the objects that the calling thread allocates.
@safe private struct ObjectCounter {
    private let hook: UnsafeMutablePointer<Allocation>
    private let isEnabled: UnsafeMutablePointer<Bool>
    /// One count at a time.
    private static let lock = Mutex(())

    /// nil where the runtime has no such hook.
    init?() {
        guard let hook = unsafe dlsym(nil, "_swift_allocObject"),
            let flag = unsafe dlsym(
                nil, "_swift_enableSwizzlingOfAllocationAndRefCountingFunctions_forInstrumentsOnly")
        else { return nil }
        unsafe self.hook = hook.assumingMemoryBound(to: Allocation.self)
        unsafe isEnabled = flag.assumingMemoryBound(to: Bool.self)
    }

    func count(_ body: () -> Void) -> Int {
        Self.lock.withLock { _ in
            unsafe original = hook.pointee
            unsafe countedThread = pthread_self()
            unsafe objects = 0
            unsafe hook.pointee = { metadata, size, alignment in
                if unsafe pthread_self() == countedThread { unsafe objects += 1 }
                return unsafe original?(metadata, size, alignment)
            }
            unsafe isEnabled.pointee = true
            body()
            unsafe isEnabled.pointee = false
            if let function = unsafe original { unsafe hook.pointee = function }
            return unsafe objects
        }
    }
}
