internal import Glibc

/// A thread of the operating system with a stack of its own; the only unsafe code of this module.
final class PosixThread: Sendable {
    private let thread: pthread_t

    /// Starts `body`.
    init(stackBytes: Int, body: @escaping @Sendable () -> Void) throws(StartError) {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, stackBytes)
        let context = unsafe Unmanaged.passRetained(ThreadBody(body)).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(&thread, &attributes, Self.main, context)
        guard code == 0 else {
            unsafe Unmanaged<ThreadBody>.fromOpaque(context).release()
            throw .noThread(errno: code)
        }
        self.thread = thread
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
        return nil
    }

    /// Waits for the thread's end; called once. A thread that would wait for itself is let go instead.
    func join() {
        if pthread_join(thread, nil) == EDEADLK { pthread_detach(thread) }
    }
}

/// Carries a closure through a C pointer.
private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
