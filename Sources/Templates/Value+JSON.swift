internal import JSON

extension Value {
    /// A value that the client or the template's owner gave. `isSent` marks its texts as the client's.
    init(_ json: JSONValue, isSent: Bool) {
        switch json {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .int(value)
        case .real(let value): self = .float(value)
        case .string(let value): self = .text(Text(value, isSent: isSent))
        case .array(let items): self = .list(items.map { Value($0, isSent: isSent) })
        case .object(let object): self = .dict(ValueDict(object, isSent: isSent) { _, _ in isSent })
        }
    }

    /// The messages of a conversation. Only roles are trusted, and only where they are plain names.
    init(messages json: JSONValue) {
        guard let messages = json.asArray else {
            self.init(json, isSent: true)
            return
        }
        self = .list(
            messages.map { message in
                guard let object = message.asObject else { return Value(message, isSent: true) }
                return .dict(
                    ValueDict(object, isSent: true) { key, value in
                        !(key == "role" && value.asString.map(Self.isPlainName) == true)
                    })
            })
    }

    private static func isPlainName(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
    }
}

extension ValueDict {
    /// `isSent` marks the keys; each value is marked as `marks` says.
    init(_ object: JSONObject, isSent: Bool, marks: (String, JSONValue) -> Bool) {
        for (name, member) in object {
            let key = Text(name, isSent: isSent)
            set(ValueKey(key), Entry(key: .text(key), value: Value(member, isSent: marks(name, member))))
        }
    }

    mutating func set(_ name: String, _ value: Value) { set(ValueKey(name), Entry(key: .text(name), value: value)) }

    /// A named argument. Its name may be the client's (`dict(**message)`), so it counts as such.
    mutating func set(passed name: String, _ value: Value) {
        set(ValueKey(name), Entry(key: .text(Text(name, isSent: true)), value: value))
    }

    subscript(name: String) -> Value? { self[ValueKey(name)] }
}
