/// How many rows of those who have had more than their share one step takes: as many as leave it not much longer than a
/// step that reads a short prompt of somebody else, because that is how long a prompt that comes just then has to wait.
struct TurnSize: Sendable {
    static let least = 2
    static let most = 16
    /// Rows of a prompt, through all layers, that count as few.
    private static let shortPrompt = 64
    /// A step that took longer than so many steps with a short prompt shrinks turns, a shorter one lets them grow.
    private static let wanted = 1.0...1.25
    /// Weight of a step with a short prompt that took longer than expected.
    private static let newest = 1.0 / 16

    /// Rows of the next step.
    private(set) var rows = 8
    /// The last step had none of them although some were there.
    private(set) var hasSatOut = false
    /// Seconds of a step with a short prompt alone: near the least of the recent ones.
    private var promptSeconds: Double?

    /// What was planned for a step that several tenants share.
    struct Step: Sendable {
        let begin: Duration
        /// Of prompts of tenants who have had no more than their share, rows through all layers.
        let promptRows: Int
        /// Of tenants who have had more.
        let turnRows: Int
        /// Sequences that decode in the step, over those that could.
        var decodeShare = 1.0
    }

    mutating func completed(_ step: Step, now: Duration) {
        hasSatOut = step.turnRows == 0
        let seconds = max(0, (now - step.begin) / .seconds(1))
        if step.promptRows > 0 {
            guard step.turnRows == 0, step.promptRows <= Self.shortPrompt else { return }
            let known = promptSeconds ?? seconds
            promptSeconds = seconds < known ? seconds : known + (seconds - known) * Self.newest
        } else if let promptSeconds {
            if seconds > Self.wanted.upperBound * promptSeconds {
                rows = max(Self.least, rows - 1 - rows / 4)
            } else if seconds < Self.wanted.lowerBound * promptSeconds, step.turnRows >= rows {
                rows = min(Self.most, rows + 1)
            }
        }
    }

    /// Nobody had to take turns.
    mutating func wasUndivided() { hasSatOut = false }
}
