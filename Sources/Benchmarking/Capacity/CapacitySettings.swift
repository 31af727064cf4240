/// What a capacity is asked for.
public struct CapacitySettings: Sendable {
    /// Bytes of a machine's KV pool.
    public var poolBytes: Int
    public var maxSequences = 64
    public var maxQueue = 256
    /// Budgets in millionths of the prompt; 1000000 is a full cache.
    public var budgets = [1_000_000, 500_000, 250_000]
    public var policy = "keyformer"
    /// Prompt and answer of a sequence that is counted out.
    public var promptTokens = 3840
    public var newTokens = 256
    public var objective = LoadSettings.Objective()
    /// Requests that machines are counted for.
    public var trace: RequestTrace?
    /// Share of a trace's requests that must be good.
    public var target = 0.99
    /// Numbers of machines to simulate instead of a search for the smallest.
    public var machines: [Int] = []

    /// An earlier report whose costs are taken instead of measuring.
    public var costsPath: String?

    /// Most machines that are tried.
    static let mostMachines = 4096

    public init(poolBytes: Int) { self.poolBytes = poolBytes }
}
