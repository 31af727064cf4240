/// What the scheduler promises; one checker each.
enum SchedulerPromise: String, CaseIterable, Sendable {
    case decisions, wholeGroup, queueLimit, retryAfter
    case runningLimit, rowsPerStep, oncePerPlan
    case reservedBytes, poolLimit, freedAtOnce, ownBooks, gauges
    case onlyLivePlanned, pausedIsNotPlanned, decodesAfterPrompt, promptOrder, tokenLimit
    case startsInTurn, startsWhenItFits, promptsInTurn, tenantLimit
    case promptProgress, tokenEveryStep, boundedEnd, shortTurns, turns
    case deadlines, wakeUp, hasWork
    case sameTrace
}

/// A promise that did not hold.
struct BrokenPromise: CustomStringConvertible, Sendable {
    let promise: SchedulerPromise
    let text: String

    init(_ promise: SchedulerPromise, _ text: String) {
        self.promise = promise
        self.text = text
    }

    var description: String { "\(promise.rawValue): \(text)" }
}
