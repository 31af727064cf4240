/// What a JSON text may cost before it is looked at more closely.
public struct JSONLimits: Sendable, Equatable {
    /// Longest text in bytes.
    public let maxBytes: Int
    /// Deepest nesting of arrays and objects; `[]` has depth 1.
    public let maxDepth: Int

    /// The parser recurses once per level, so depth is bounded by what a thread's stack surely holds.
    public static let deepest = 512

    /// Bodies of HTTP requests: 16 MiB, 64 levels.
    public static let request = JSONLimits(maxBytes: 16 << 20, maxDepth: 64)
    /// Files of a model folder: 1 GiB, 128 levels.
    public static let file = JSONLimits(maxBytes: 1 << 30, maxDepth: 128)

    /// Requires `maxBytes` in 0...2^31-1 and `maxDepth` in 1...`deepest`.
    public init(maxBytes: Int, maxDepth: Int) {
        precondition((0...Int(Int32.max)).contains(maxBytes), "maxBytes \(maxBytes) outside 0...2^31-1")
        precondition((1...Self.deepest).contains(maxDepth), "maxDepth \(maxDepth) outside 1...\(Self.deepest)")
        self.maxBytes = maxBytes
        self.maxDepth = maxDepth
    }
}
