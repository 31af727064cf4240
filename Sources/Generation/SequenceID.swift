/// A vocabulary entry.
public typealias TokenID = Int32

/// One running timeline of tokens in the engine. Never reused while the process lives.
public struct SequenceID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    public var description: String { "seq-\(rawValue)" }

    public static func < (left: SequenceID, right: SequenceID) -> Bool { left.rawValue < right.rawValue }
}
