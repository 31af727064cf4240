internal import Foundation
internal import Synchronization

/// Sends a comment into streams that have been silent: while a request waits or its prompt is read, proxies would
/// otherwise take the connection for dead.
final class StreamPings: Sendable {
    private struct Watched: Sendable {
        weak var answer: StreamedAnswer?
    }

    private let silence: Duration
    private let post: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let watched = Mutex<[Watched]>([])

    /// Looks after the streams several times within `silence`, on a thread of its own.
    init(silence: Duration, post: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
        self.silence = silence
        self.post = post
        let interval = max(0.05, min(1, silence / .seconds(4)))
        let thread = Thread { [weak self] in
            while self != nil {
                Thread.sleep(forTimeInterval: interval)
                self?.look()
            }
        }
        thread.name = "keyhold-ping"
        thread.start()
    }

    func watch(_ answer: StreamedAnswer) {
        watched.withLock { $0.append(Watched(answer: answer)) }
    }

    private func look() {
        let answers = watched.withLock { watched in
            watched.removeAll { $0.answer == nil }
            return watched.compactMap(\.answer)
        }
        guard !answers.isEmpty else { return }
        post { [silence] in
            for answer in answers { answer.ping(after: silence) }
        }
    }
}
