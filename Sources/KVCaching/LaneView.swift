public import Kernels

/// What a policy may read of a lane when it plans: the entries' original positions and scores.
/// While a step is planned, the fed token counts as the last entry although it has no slot of its own yet.
@safe public struct LaneView {
    /// Entries: slots 0..<count, and with `fed` one more.
    public let count: Int
    private let positions: UnsafePointer<Int32>
    private let scores: UnsafePointer<Float>?
    private let held: Int
    private let fedPosition: Int32
    private let fedScore: Float

    /// A lane of `held` slots and nothing else.
    @unsafe public init(held: Int, positions: UnsafePointer<Int32>, scores: UnsafePointer<Float>?) {
        self.count = held
        self.held = held
        unsafe self.positions = positions
        unsafe self.scores = scores
        fedPosition = 0
        fedScore = 0
    }

    /// A full lane of `held` slots and the token that was fed.
    @unsafe public init(
        held: Int, positions: UnsafePointer<Int32>, scores: UnsafePointer<Float>?, fedPosition: Int32, fedScore: Float
    ) {
        self.count = held + 1
        self.held = held
        unsafe self.positions = positions
        unsafe self.scores = scores
        self.fedPosition = fedPosition
        self.fedScore = fedScore
    }

    /// Original position of the entry.
    public func position(_ index: Int) -> Int32 {
        precondition(index >= 0 && index < count, "entry \(index) of \(count)")
        return index < held ? unsafe positions[index] : fedPosition
    }

    /// Accumulated score of the entry; 0 where the policy keeps none.
    public func score(_ index: Int) -> Float {
        precondition(index >= 0 && index < count, "entry \(index) of \(count)")
        guard index < held else { return fedScore }
        return unsafe scores.map { unsafe $0[index] } ?? 0
    }

    /// The entry with the smallest score among those whose position lies in `candidates`; among equals the newest.
    /// nil where there is none.
    public func smallestScore(positions candidates: ClosedRange<Int32>, kernels: KernelTable) -> Int? {
        guard let scores = unsafe scores else { return nil }
        let slot = unsafe kernels.argminNewest(
            count: held, scores: scores, positions: positions, candidates: candidates)
        guard count > held, candidates.contains(fedPosition) else { return slot }
        // The fed token is the newest: it goes first among equals. A broken score counts as infinity, as in the kernel.
        guard let slot, unsafe scores[slot] < (fedScore.isNaN ? .infinity : fedScore) else { return held }
        return slot
    }

    /// Entries with positions below `position` in a lane that is in order of position.
    public func leadingEntries(below position: Int) -> Int {
        var entries = 0
        while entries < count, Int(self.position(entries)) < position { entries += 1 }
        return entries
    }

    /// The entry of that position; nil where there is none.
    func index(ofPosition wanted: Int32) -> Int? {
        for index in 0..<held where unsafe positions[index] == wanted { return index }
        return count > held && fedPosition == wanted ? held : nil
    }

    /// The entry with the lowest position from `first` on; nil where there is none.
    public func oldest(from first: Int32) -> Int? {
        var oldest = Int32.max
        for index in 0..<held {
            let position = unsafe positions[index]
            oldest = min(oldest, position >= first ? position : Int32.max)
        }
        guard oldest < Int32.max else { return count > held && fedPosition >= first ? held : nil }
        var index = 0
        while unsafe positions[index] != oldest { index += 1 }
        return index
    }

    /// Position of the newest entry.
    public var newestPosition: Int32 {
        if count > held { return fedPosition }
        var newest: Int32 = -1
        for index in 0..<held { newest = max(newest, unsafe positions[index]) }
        return newest
    }
}

/// One row of attention, of one query head over the entries of its lane.
@safe public struct ObservedRow: ~Copyable {
    /// Entries: the lane's slots, then the fed token where it has no slot yet.
    public let count: Int
    public let context: RowContext
    /// [count] the row that the policy's tap names.
    public let values: UnsafePointer<Float>
    /// [count] original positions of the entries.
    public let positions: UnsafePointer<Int32>
    /// [count] out: what the row adds to each score.
    public let increments: UnsafeMutablePointer<Float>
}
