internal import Generation
internal import KVCaching
internal import Scheduling

/// One machine that serves requests in simulated time: the server's own scheduler, and steps that last what the costs
/// say.
struct SimulatedMachine {
    /// A request as the machine sees it.
    struct Request {
        let time: Double
        let newTokens: Int
        let plan: CachePlan
    }

    private struct Running {
        let index: Int
        let plan: CachePlan
        let newTokens: Int
        var generated = 0

        /// Slots that its next row reads.
        var slots: Int { min(plan.laneSlots, plan.promptTokens + generated) }
    }

    let cost: StepCost
    let limits: SchedulerLimits

    /// What the requests' clients see: a sample for each, in order. The queue has room for `limits`; more are refused.
    func serve(_ requests: [Request]) -> (samples: [RequestSample], mostSequences: Int, seconds: Double) {
        var samples = requests.map { RequestSample(scheduled: $0.time) }
        var scheduler = Scheduler(limits: limits)
        var live: [SequenceID: Running] = [:]
        var (now, next, most) = (0.0, 0, 0)
        while next < requests.count || !live.isEmpty {
            if live.isEmpty, next < requests.count { now = max(now, requests[next].time) }
            while next < requests.count, requests[next].time <= now {
                submit(requests[next], next, &scheduler, &live, &samples[next])
                next += 1
            }
            let time = Duration.nanoseconds(Int64(now * 1e9))
            let plan = scheduler.nextStep(now: time).plan
            guard !plan.isEmpty else {
                // Everybody who is here has been refused: the next arrival is the next event.
                guard next < requests.count else { break }
                now = requests[next].time
                continue
            }
            most = max(most, scheduler.statistics.running)
            now += seconds(plan, live)
            let end = Duration.nanoseconds(Int64(now * 1e9))
            scheduler.completed(plan, now: end)
            let finished = plan.prefill.filter { isLast($0, live) }.map(\.sequence)
            for id in finished + plan.decode {
                guard var running = live[id] else { continue }
                running.generated += 1
                samples[running.index].pieces.append(now)
                live[id] = running
                guard running.generated == running.newTokens else { continue }
                samples[running.index].tokens = running.newTokens
                samples[running.index].end = now
                scheduler.finish(id, now: end)
                live[id] = nil
            }
        }
        return (samples, most, now)
    }

    private func submit(
        _ request: Request, _ index: Int, _ scheduler: inout Scheduler, _ live: inout [SequenceID: Running],
        _ sample: inout RequestSample
    ) {
        let id = SequenceID(UInt64(index))
        let admission = Admission(
            id: id, promptTokens: request.plan.promptTokens, maxNewTokens: request.newTokens,
            passesByRows: request.plan.passesByRows, peakBytes: request.plan.peakBytes,
            steadyBytes: request.plan.steadyBytes, deadline: nil)
        let now = Duration.nanoseconds(Int64(request.time * 1e9))
        switch scheduler.submit([admission], now: now) {
        case .queued: live[id] = Running(index: index, plan: request.plan, newTokens: request.newTokens)
        case .neverFits: sample.failure = LoadFailure(kind: "never fits", text: "the pool is too small")
        case .queueFull, .groupTooLarge: sample.failure = LoadFailure(kind: "queue full", text: "the queue is full")
        }
    }

    private func seconds(_ plan: StepPlan, _ live: [SequenceID: Running]) -> Double {
        let slots = plan.decode.reduce(0) { $0 + (live[$1]?.slots ?? 0) }
        var (rows, pairs) = (0.0, 0.0)
        for piece in plan.prefill {
            let share = Double(piece.layers.count) / Double(limits.layerCount)
            rows += share * Double(piece.rows.count)
            pairs += share * StepCost.pairs(piece.rows)
        }
        return cost.seconds(rows: plan.decode.count, slots: slots, promptRows: rows, promptPairs: pairs)
    }

    private func isLast(_ piece: PrefillPiece, _ live: [SequenceID: Running]) -> Bool {
        piece.layers.upperBound == limits.layerCount && piece.rows.upperBound == live[piece.sequence]?.plan.promptTokens
    }
}
