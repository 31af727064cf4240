/// What a JSON text may cost before it is looked at more closely.
public struct JSONLimits: Sendable, Equatable {
    /// Longest text in bytes.
    public let maxBytes: Int
    /// Deepest nesting of arrays and objects; `[]` has depth 1.
    public let maxDepth: Int
    /// Most values, keys not counted. A value takes two bytes of text but about sixty of memory while it is parsed.
    public let maxValues: Int
    /// How many integers beyond 64 bits are read as reals before the text is refused. Files of models write
    /// "no limit" as 10^30; clients get an error.
    public let mostLargeIntegers: Int

    /// The parser recurses once per level, so depth is bounded by what a thread's stack surely holds.
    public static let deepest = 512

    /// Bodies of HTTP requests: 16 MiB, 64 levels, a million values.
    public static let request = JSONLimits(maxBytes: 16 << 20, maxDepth: 64, maxValues: 1 << 20)
    /// Files of a model folder: 1 GiB, 128 levels, 64 million values, 16 large integers as reals.
    public static let file = JSONLimits(maxBytes: 1 << 30, maxDepth: 128, mostLargeIntegers: 16)

    /// Requires `maxBytes` in 0...2^31-1, `maxDepth` in 1...`deepest` and `maxValues` of at least 1.
    public init(maxBytes: Int, maxDepth: Int, maxValues: Int = 64 << 20, mostLargeIntegers: Int = 0) {
        precondition((0...Int(Int32.max)).contains(maxBytes), "maxBytes \(maxBytes) outside 0...2^31-1")
        precondition((1...Self.deepest).contains(maxDepth), "maxDepth \(maxDepth) outside 1...\(Self.deepest)")
        self.maxBytes = maxBytes
        precondition(maxValues >= 1, "maxValues \(maxValues) is below 1")
        self.maxDepth = maxDepth
        self.maxValues = maxValues
        self.mostLargeIntegers = mostLargeIntegers
    }
}
