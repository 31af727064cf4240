internal import Foundation
internal import Glibc

/// System calls on the cache's files.
enum FileCalls {
    /// Runs `body` while no other process holds the lock of `folder`; waits for it.
    static func withLock(_ folder: String, _ body: () throws(HubError) -> Void) throws(HubError) {
        let path = "\(folder)/.keyhold-lock"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .cache(path: path, reason: reason()) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw .cache(path: path, reason: reason()) }
        }
        try body()
    }

    /// Gives a file its final name, durably.
    static func rename(_ path: String, to target: String) throws(HubError) {
        guard unsafe Glibc.rename(path, target) == 0 else { throw .cache(path: target, reason: reason()) }
    }

    /// Removes a file; one that is not there is no error.
    static func remove(_ path: String) { _ = unsafe unlink(path) }

    private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
