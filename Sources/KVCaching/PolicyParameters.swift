internal import Generation

/// `kv_cache.policy_params` while a policy is being made: typed reads that remember which names were used.
struct PolicyParameters {
    private let values: [String: PolicyParameter]
    private let policy: String
    private var used: Set<String> = []

    init(_ values: [String: PolicyParameter], policy: String) {
        self.values = values
        self.policy = policy
    }

    private mutating func take(_ name: String) -> PolicyParameter? {
        used.insert(name)
        return values[name]
    }

    private func error(_ name: String, _ message: String) -> KVCacheRequestError {
        KVCacheRequestError(field: "kv_cache.policy_params.\(name)", message: message)
    }

    /// A text that is one of the enum's raw values.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, of type: Choice.Type
    ) throws(KVCacheRequestError) -> Choice? where Choice.RawValue == String {
        guard let value = take(name) else { return nil }
        let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        guard case .text(let text) = value, let choice = Choice(rawValue: text) else {
            throw error(name, "\(value.shown) is not allowed; allowed are \(allowed)")
        }
        return choice
    }

    /// A finite number between 0.001 and 1000.
    mutating func positive(_ name: String) throws(KVCacheRequestError) -> Double? {
        guard let value = take(name) else { return nil }
        let number: Double? =
            switch value {
            case .number(let number): number
            case .integer(let integer): Double(integer)
            case .text, .flag: nil
            }
        guard let number, number >= 0.001, number <= 1000 else {
            throw error(name, "\(value.shown) is not a number between 0.001 and 1000")
        }
        return number
    }

    /// A whole number in the range.
    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(KVCacheRequestError) -> Int? {
        guard let value = take(name) else { return nil }
        guard case .integer(let integer) = value, range.contains(integer) else {
            throw error(
                name, "\(value.shown) is not a whole number between \(range.lowerBound) and \(range.upperBound)")
        }
        return integer
    }

    /// A non-negative integer, or its decimal digits as text where it does not fit a JSON integer.
    mutating func seed(_ name: String) throws(KVCacheRequestError) -> UInt64? {
        guard let value = take(name) else { return nil }
        switch value {
        case .integer(let integer) where integer >= 0: return UInt64(integer)
        case .text(let digits):
            if let seed = UInt64(digits) { return seed }
        default: break
        }
        throw error(
            name, "\(value.shown) is not an integer between 0 and 2^64 - 1 (above 2^63 - 1 as a string of digits)")
    }

    /// Fails on the first name, in order of the alphabet, that no read asked for.
    func requireAllUsed() throws(KVCacheRequestError) {
        guard let unknown = values.keys.filter({ !used.contains($0) }).min() else { return }
        throw error(
            unknown, "is no parameter of policy \(policy); allowed are \(used.sorted().joined(separator: ", "))")
    }
}

extension PolicyParameter {
    /// The value as an error message shows it.
    var shown: String {
        switch self {
        case .number(let number): "\(number)"
        case .integer(let integer): "\(integer)"
        case .text(let text): "\"\(text.prefix(40))\""
        case .flag(let flag): "\(flag)"
        }
    }
}
