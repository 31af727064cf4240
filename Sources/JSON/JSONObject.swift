/// Members in the order of the text. Look-up takes constant time at any size; keys are told apart by their bytes.
public struct JSONObject: Sendable {
    private var members: [Member] = []
    /// Place of each key; kept only above `linearLimit` members, below it a scan is faster.
    private var places: [JSONKey: Int] = [:]

    private static let linearLimit = 8

    /// One key with its value.
    public typealias Member = (key: String, value: JSONValue)

    /// No members.
    public init() {}

    /// Members whose keys are known to differ.
    init(distinctMembers: [Member]) {
        members = distinctMembers
        indexMembers()
    }

    /// Number of members.
    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }
    /// Keys in the order of the text.
    public var keys: [String] { members.map(\.key) }

    /// Setting a new key appends it; setting nil removes the member, which takes time proportional to `count`.
    public subscript(key: String) -> JSONValue? {
        get { place(of: key).map { members[$0].value } }
        set {
            switch (place(of: key), newValue) {
            case (let place?, let value?): members[place].value = value
            case (nil, let value?): append((key, value))
            case (let place?, nil):
                members.remove(at: place)
                indexMembers()
            case (nil, nil): break
            }
        }
    }

    private func place(of key: String) -> Int? {
        let wanted = JSONKey(key)
        if members.count > Self.linearLimit { return places[wanted] }
        return members.firstIndex { JSONKey($0.key) == wanted }
    }

    private mutating func append(_ member: Member) {
        members.append(member)
        if members.count == Self.linearLimit + 1 {
            indexMembers()
        } else if members.count > Self.linearLimit {
            places[JSONKey(member.key)] = members.count - 1
        }
    }

    private mutating func indexMembers() {
        places = [:]
        guard members.count > Self.linearLimit else { return }
        places.reserveCapacity(members.count)
        for (place, member) in members.enumerated() { places[JSONKey(member.key)] = place }
    }
}

extension JSONObject: Sequence {
    public func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
    public var underestimatedCount: Int { members.count }
}

/// Same keys with equal values, in any order.
extension JSONObject: Equatable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }
}
