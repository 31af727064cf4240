import Dispatch
import Generation
import Synchronization
import Testing

@testable import Serving

/// When a sleeping engine thread wakes.
@Suite struct InboxTests {
    private static func submission(_ id: UInt64, choices: Int = 1) throws -> Submission {
        let planner = SubmissionPlanner(configuration: try LoopHarness.configuration())
        var request = GenerationRequest.greedy([1, 2, 3], maxTokens: 2)
        request.choices = choices
        let next = Mutex(id * 100)
        let sequences = try planner.sequences(of: [request]) {
            SequenceID(
                next.withLock { next in
                    next += 1
                    return next
                })
        }
        return Submission(
            id: RequestID(rawValue: id), sequences: sequences, submittedAt: .zero, deadline: nil, onEvent: { _ in })
    }

    /// Waits for `sequences` on a thread of its own; the semaphore tells when it is through.
    private static func reader(of inbox: Inbox, sequences: Int) throws -> (PosixThread, DispatchSemaphore) {
        let woken = DispatchSemaphore(value: 0)
        let thread = try PosixThread(stackBytes: 1 << 20) {
            inbox.wait(for: nil, sequences: sequences)
            woken.signal()
        }
        return (thread, woken)
    }

    private static func isThrough(_ woken: DispatchSemaphore, within milliseconds: Int) -> Bool {
        woken.wait(timeout: .now() + .milliseconds(milliseconds)) == .success
    }

    @Test func aReaderSleepsUntilAsManySequencesAreHereAsItWants() throws {
        let inbox = Inbox(capacity: 8)
        let (thread, woken) = try Self.reader(of: inbox, sequences: 4)
        _ = inbox.post(try Self.submission(1))
        _ = inbox.post(try Self.submission(2, choices: 2))
        #expect(!Self.isThrough(woken, within: 50))
        _ = inbox.post(try Self.submission(3))
        #expect(Self.isThrough(woken, within: 5000))
        thread.join()
        #expect(inbox.drain().submissions.count == 3)
    }

    @Test func aWishAndAStopWakeAReaderThatWantsMore() throws {
        let inbox = Inbox(capacity: 8)
        var (thread, woken) = try Self.reader(of: inbox, sequences: 4)
        inbox.cancel(RequestID(rawValue: 1))
        #expect(Self.isThrough(woken, within: 5000))
        thread.join()
        _ = inbox.drain()
        (thread, woken) = try Self.reader(of: inbox, sequences: 4)
        inbox.stop()
        #expect(Self.isThrough(woken, within: 5000))
        thread.join()
    }

    @Test func aNudgeWakesAReaderOnceWithNothingToRead() throws {
        let inbox = Inbox(capacity: 8)
        let (thread, woken) = try Self.reader(of: inbox, sequences: 1)
        inbox.nudge()
        #expect(Self.isThrough(woken, within: 5000))
        thread.join()
        #expect(inbox.drain().submissions.isEmpty)
        let start = ContinuousClock.now
        inbox.wait(for: .milliseconds(20))
        #expect(ContinuousClock.now - start >= .milliseconds(20))
    }

    @Test func whatIsHereAlreadyNeedsNoSleep() throws {
        let inbox = Inbox(capacity: 8)
        _ = inbox.post(try Self.submission(1))
        inbox.wait(for: nil)
        #expect(inbox.drain().submissions.count == 1)
        inbox.wait(for: .milliseconds(1), sequences: 1)
        #expect(inbox.drain().submissions.isEmpty)
    }
}
