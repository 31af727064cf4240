/// A planted mistake of one operator or one line; `promise` names the checker that must see it.
enum SimulationMutation: String, CaseIterable, Sendable {
    case oneSequenceTooMany, oneQueuedTooMany, oneRowTooMany, poolTwiceAsLarge
    case oversizedIsQueued, groupIsTornApart, retryAfterZero
    case decodedTwice, endedIsPlanned, pauseIgnored, decodesTooEarly
    case bytesKeptOnCancel, bytesKeptAfterPrompt, ownBooksOff, gaugeOff
    case skipsLayer, skipsRow, splitRowsThroughLayers, splitsLayersByRows, oneTokenTooMany
    case overtakes, startsLate, youngestPromptFirst
    case oneAccountForAll, weightIgnored, priorityIgnored, byteCapIgnored, sequenceCapIgnored
    case starvesPrompts, skipsDecode, crumbs
    case noTurns, sitsOutForEver, youngestTurnFirst, reserveIgnored
    case deadlineLate, deadlineEarly, wakesLate, neverHasWork, orderByChance

    var promise: SchedulerPromise {
        switch self {
        case .oneSequenceTooMany: .runningLimit
        case .oneQueuedTooMany: .queueLimit
        case .oneRowTooMany: .rowsPerStep
        case .poolTwiceAsLarge: .poolLimit
        case .oversizedIsQueued: .decisions
        case .groupIsTornApart: .wholeGroup
        case .retryAfterZero: .retryAfter
        case .decodedTwice: .oncePerPlan
        case .endedIsPlanned: .onlyLivePlanned
        case .pauseIgnored: .pausedIsNotPlanned
        case .decodesTooEarly: .decodesAfterPrompt
        case .bytesKeptOnCancel: .freedAtOnce
        case .bytesKeptAfterPrompt: .reservedBytes
        case .ownBooksOff: .ownBooks
        case .gaugeOff: .gauges
        case .skipsLayer, .skipsRow, .splitRowsThroughLayers, .splitsLayersByRows: .promptOrder
        case .oneTokenTooMany: .tokenLimit
        case .overtakes: .startsInTurn
        case .startsLate: .startsWhenItFits
        case .youngestPromptFirst: .promptsInTurn
        case .oneAccountForAll, .weightIgnored, .priorityIgnored: .startsInTurn
        case .byteCapIgnored, .sequenceCapIgnored: .tenantLimit
        case .starvesPrompts: .promptProgress
        case .skipsDecode: .tokenEveryStep
        case .crumbs: .boundedEnd
        case .noTurns: .shortTurns
        case .sitsOutForEver, .youngestTurnFirst: .turns
        case .reserveIgnored: .tenantLimit
        case .deadlineLate, .deadlineEarly: .deadlines
        case .wakesLate: .wakeUp
        case .neverHasWork: .hasWork
        case .orderByChance: .sameTrace
        }
    }
}
