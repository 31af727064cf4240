internal import Generation
internal import KVCaching
internal import Scheduling

/// Decides what becomes of a request for which the pool may have no room now. Pure: it looks at the scheduler and
/// changes nothing.
struct PoolFitting: Sendable {
    /// What to do.
    enum Decision {
        /// Submit it as it is.
        case asPlanned
        /// Submit it with smaller budgets.
        case shrunk([PlannedSequence])
        /// Refuse it.
        case refused

        var isAsPlanned: Bool { if case .asPlanned = self { true } else { false } }
    }

    /// Budgets between the smallest and the one asked for that are tried.
    private static let steps = 1024

    let planner: SubmissionPlanner

    /// `admissions` turns sequences into what they ask of the scheduler.
    func decide(
        _ submission: Submission, in scheduler: Scheduler, now: Duration,
        admissions: ([PlannedSequence]) -> [Admission]
    ) -> Decision {
        guard let first = submission.sequences.first else { return .asPlanned }
        let choice = planner.choiceWhenFull(first.request)
        // A turn's budget is its session's.
        guard choice != .queue, choice != .shrink || first.turn == nil else { return .asPlanned }
        let group = admissions(submission.sequences)
        // A full queue refuses by itself.
        guard group.count <= scheduler.freePlaces, !scheduler.wouldStart(group, now: now) else { return .asPlanned }
        if choice == .reject { return .refused }
        let free = scheduler.freeBytes(for: submission.terms.tenant)
        // Where bytes are not what is missing, smaller ones do not help.
        guard bytes(group) > free, let shrunk = shrunk(submission.sequences, toFit: free, admissions) else {
            return .asPlanned
        }
        return .shrunk(shrunk)
    }

    /// The sequences with the largest budgets that fit `free` bytes together, else with the smallest. Between the
    /// smallest budget and what it asked for, each gives up the same share. nil where nothing would get smaller.
    private func shrunk(
        _ sequences: [PlannedSequence], toFit free: Int, _ admissions: ([PlannedSequence]) -> [Admission]
    ) -> [PlannedSequence]? {
        guard let smallest = shrunk(sequences, step: 0) else { return nil }
        guard bytes(admissions(smallest)) < bytes(admissions(sequences)) else { return nil }
        var best = smallest
        var (low, high) = (0, Self.steps)
        while high - low > 1 {
            let middle = (low + high) / 2
            if let tried = shrunk(sequences, step: middle), bytes(admissions(tried)) <= free {
                (low, best) = (middle, tried)
            } else {
                high = middle
            }
        }
        return best
    }

    private func shrunk(_ sequences: [PlannedSequence], step: Int) -> [PlannedSequence]? {
        var result: [PlannedSequence] = []
        for sequence in sequences {
            let least = planner.leastSlots(sequence.request, sequence.plan)
            let slots = least + (sequence.plan.laneSlots - least) * step / Self.steps
            guard
                let plan = try? planner.plan(sequence.request, maxNewTokens: sequence.maxNewTokens, slots: slots)
            else { return nil }
            result.append(sequence.shrunk(to: plan))
        }
        return result
    }

    private func bytes(_ group: [Admission]) -> Int { group.reduce(0) { $0 + $1.startBytes } }
}
