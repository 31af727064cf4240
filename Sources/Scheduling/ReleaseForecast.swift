internal import Generation

/// When room will be: the running sequences play out at a `StepPace`, the waiting ones start as bytes and seats allow.
/// Order of arrival stands for the order of turns, which differs only where several tenants or priorities wait.
struct ReleaseForecast {
    /// A moment at which something is given back.
    private struct Release {
        let seconds: Double
        let bytes: Int
        let isEnd: Bool
        let tenant: Tenant
    }

    private let pace: StepPace
    private let layerCount: Int
    private var freeBytes: Int
    private var freeSeats: Int
    private var held: [Int: Int] = [:]
    /// Latest first, so that the next one is the last element.
    private var releases: [Release] = []
    /// When the prompts that are being read will have been.
    private var prefillEnd = 0.0

    init(_ running: [RunningSequence], limits: SchedulerLimits, pace: StepPace) {
        self.pace = pace
        layerCount = limits.layerCount
        freeBytes = limits.poolBytes
        freeSeats = limits.maxSequences
        for sequence in running {
            freeBytes -= sequence.reservedBytes
            freeSeats -= 1
            held[sequence.admission.tenant.id, default: 0] += sequence.reservedBytes
            switch sequence.phase {
            case .prefill(let layer, let row):
                let rows = sequence.admission.promptTokens
                let left =
                    sequence.admission.passesByRows
                    ? (rows - row) * layerCount
                    : (layerCount - layer) * (rows - sequence.firstRow) - row + sequence.firstRow
                play(sequence.admission, coveredBytes: sequence.coveredBytes, rowLayers: left, from: 0)
            case .decode(let done):
                let seconds = pace.decodeSeconds(done: done, limit: sequence.admission.maxDecodeRows)
                insert(
                    Release(
                        seconds: seconds, bytes: sequence.reservedBytes, isEnd: true,
                        tenant: sequence.admission.tenant))
            }
        }
    }

    /// Seconds until `starts` of `queue` have started, in order but for those whose tenant holds all it may; nil where
    /// that is too far away to tell.
    mutating func secondsUntil(starts: Int, of queue: [Admission]) -> Double? {
        var queue = queue
        var left = starts
        var time = 0.0
        while left > 0 {
            while left > 0, let place = queue.firstIndex(where: hasTenantRoom), fits(queue[place]) {
                start(queue.remove(at: place), at: time)
                left -= 1
            }
            guard left > 0 else { break }
            guard let next = releases.popLast() else { return nil }
            time = max(time, next.seconds)
            freeBytes += next.bytes
            held[next.tenant.id, default: 0] -= next.bytes
            if next.isEnd { freeSeats += 1 }
        }
        return time
    }

    private func fits(_ admission: Admission) -> Bool { freeSeats > 0 && admission.startBytes <= freeBytes }

    private func hasTenantRoom(_ admission: Admission) -> Bool {
        admission.startBytes <= (admission.tenant.mostBytes ?? .max) - held[admission.tenant.id, default: 0]
    }

    private mutating func start(_ admission: Admission, at time: Double) {
        freeBytes -= admission.startBytes
        freeSeats -= 1
        held[admission.tenant.id, default: 0] += admission.startBytes
        play(admission, coveredBytes: 0, rowLayers: admission.promptTokens * layerCount, from: time)
    }

    /// Prompts are read one after the other. What covered bytes stand for is not the sequence's to give back.
    private mutating func play(_ admission: Admission, coveredBytes: Int, rowLayers: Int, from time: Double) {
        prefillEnd = max(prefillEnd, time) + pace.prefillSeconds(rowLayers: rowLayers)
        let end = prefillEnd + pace.decodeSeconds(done: 0, limit: admission.maxDecodeRows)
        insert(
            Release(
                seconds: prefillEnd, bytes: admission.startBytes - admission.steadyBytes, isEnd: false,
                tenant: admission.tenant))
        insert(
            Release(
                seconds: end, bytes: admission.steadyBytes - coveredBytes, isEnd: true, tenant: admission.tenant))
    }

    private mutating func insert(_ release: Release) {
        let place = releases.firstIndex { $0.seconds <= release.seconds } ?? releases.endIndex
        releases.insert(release, at: place)
    }
}

extension Scheduler {
    /// Bytes that a sequence of `tenant` could reserve if nobody waited.
    public func freeBytes(for tenant: Tenant) -> Int {
        min(
            freeBytes, (tenant.mostBytes ?? .max) - accounts[tenant].reservedBytes,
            limits.poolBytes - reservedBytes - sharedBytes - spareBytes(beside: tenant))
    }

    /// Whether all of `group` would start in the next step if it were submitted now.
    public func wouldStart(_ group: [Admission], now: Duration) -> Bool {
        var trial = self
        guard case .queued = trial.submit(group, now: now) else { return false }
        let started = Set(trial.nextStep(now: now).started)
        return group.allSatisfy { started.contains($0.id) }
    }

    /// Nobody waits, and so many sequences with so many bytes together would fit beside those that run.
    public func hasRoom(sequences: Int, bytes: Int, for tenant: Tenant) -> Bool {
        waiting.isEmpty && running.count + sequences <= limits.maxSequences - spareSequences(beside: tenant)
            && bytes <= freeBytes(for: tenant)
    }

    /// Places in the queue.
    public var freePlaces: Int { limits.maxQueuedSequences - waiting.count }

    /// Seconds until the queue has places for `group`, as a prediction from what the running sequences will release;
    /// nil where nothing is known yet.
    public func secondsUntilPlaces(for group: [Admission], pace: StepPace) -> Double? {
        guard pace.isKnown else { return nil }
        var forecast = ReleaseForecast(running, limits: limits, pace: pace)
        return forecast.secondsUntil(starts: max(0, group.count - freePlaces), of: waiting.map(\.admission))
    }

    /// Seconds until all of `group` could start after everybody who waits now; nil where nothing is known yet.
    public func secondsUntilStart(of group: [Admission], pace: StepPace) -> Double? {
        guard pace.isKnown else { return nil }
        var forecast = ReleaseForecast(running, limits: limits, pace: pace)
        return forecast.secondsUntil(
            starts: waiting.count + group.count, of: waiting.map(\.admission) + group)
    }
}
