import Foundation
import Generation
import Serving
import Synchronization

/// Everything one submission heard, and what the promises of `ServiceEvent` say about it.
final class EventLog: Sendable {
    /// One choice, put together.
    struct Choice {
        var text = ""
        var tokens: [ReportedToken] = []
        var promptTokens: [ReportedToken]?
        var finished: (reason: FinishReason, stopReason: String?, usage: GenerationUsage)?
    }

    private struct State {
        var events: [ServiceEvent] = []
        var waiters: [@Sendable () -> Void] = []
    }

    private let promptCount: Int
    private let choices: Int
    private let state = Mutex(State())
    private let onEnd: @Sendable () -> Void

    init(prompts: Int = 1, choices: Int = 1, onEnd: @escaping @Sendable () -> Void = {}) {
        promptCount = prompts
        self.choices = choices
        self.onEnd = onEnd
    }

    var events: [ServiceEvent] { state.withLock { $0.events } }

    func receive(_ event: ServiceEvent) {
        let isEnd = state.withLock { state in
            state.events.append(event)
            if case .rejected = event { return true }
            guard case .token(_, .finished) = event else { return false }
            return finishedCount(state.events) == promptCount * choices
        }
        if isEnd { onEnd() }
    }

    private func finishedCount(_ events: [ServiceEvent]) -> Int {
        events.count { event in
            if case .token(_, .finished) = event { true } else { false }
        }
    }

    var isFinished: Bool {
        let events = self.events
        if case .rejected = events.first { return true }
        return finishedCount(events) == promptCount * choices
    }

    /// What prompt `prompt`, choice `choice` heard.
    func choice(_ choice: Int = 0, ofPrompt prompt: Int = 0) -> Choice {
        var result = Choice()
        for case .token(prompt, let event) in events {
            switch event {
            case .prompt(choice, let tokens): result.promptTokens = tokens
            case .text(choice, let text, let tokens, _):
                result.text += text
                result.tokens += tokens
            case .finished(choice, let reason, let stopReason, let usage):
                result.finished = (reason, stopReason, usage)
            default: break
            }
        }
        return result
    }

    /// The first promise that the events break, or nil. For a submission that has ended.
    func complaint() -> String? {
        let events = self.events
        guard let first = events.first else { return "no event came" }
        if case .rejected = first { return events.count == 1 ? nil : "events after a rejection" }
        guard case .accepted(let caches) = first, caches.count == promptCount else {
            return "the first event is \(first)"
        }
        var ended: Set<[Int]> = []
        var generated: [[Int]: Int] = [:]
        for event in events.dropFirst() {
            guard case .token(let prompt, let event) = event else { return "\(event) comes again" }
            switch event {
            case .prompt(let choice, _):
                if generated[[prompt, choice]] != nil { return "the prompt comes after text" }
            case .text(let choice, let text, let tokens, let count):
                let key = [prompt, choice]
                if text.isEmpty && tokens.isEmpty { return "an empty event" }
                if ended.contains(key) { return "text after the end of \(key)" }
                if count < generated[key, default: 0] { return "the count of \(key) falls" }
                generated[key] = count
            case .finished(let choice, _, _, let usage):
                if !ended.insert([prompt, choice]).inserted { return "\(prompt), \(choice) finishes twice" }
                if usage.completionTokens < generated[[prompt, choice], default: 0] { return "usage counts too few" }
            }
        }
        return ended.count == promptCount * choices ? nil : "\(ended.count) of \(promptCount * choices) finished"
    }
}
