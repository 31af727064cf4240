/// Python's case mappings. A mapped character comes from where its original came.
extension Text {
    var uppercased: Text { mapped { $0.properties.uppercaseMapping } }

    var lowercased: Text {
        var result: [UInt32] = []
        result.reserveCapacity(count)
        for (place, unit) in units.enumerated() {
            let scalar = Self.scalar(unit)
            let isFinalSigma = scalar == "\u{3A3}" && endsWord(at: place)
            let mapping = isFinalSigma ? "\u{3C2}" : scalar.properties.lowercaseMapping
            result += mapping.unicodeScalars.map { $0.value | unit & Self.sent }
        }
        return Text(units: result)
    }

    /// The first character in title case, the rest in lower case.
    var capitalized: Text {
        guard let first = units.first else { return self }
        let head = Text(units: [first]).mapped { $0.properties.titlecaseMapping }
        return head + Text(units: units[1...]).lowercased
    }

    /// Each run of cased characters capitalised.
    var titlecased: Text {
        var result: [UInt32] = []
        var isInWord = false
        for unit in units {
            let properties = Self.scalar(unit).properties
            let mapping = isInWord ? properties.lowercaseMapping : properties.titlecaseMapping
            result += mapping.unicodeScalars.map { $0.value | unit & Self.sent }
            isInWord = properties.isCased
        }
        return Text(units: result)
    }

    var caseSwapped: Text {
        mapped { $0.properties.isUppercase ? $0.properties.lowercaseMapping : $0.properties.uppercaseMapping }
    }

    /// Nothing but characters of one case and characters without case, and at least one with case.
    func isAll(uppercase: Bool) -> Bool {
        var hasCase = false
        for unit in units {
            let properties = Self.scalar(unit).properties
            if uppercase ? properties.isLowercase : properties.isUppercase { return false }
            hasCase = hasCase || properties.isCased
        }
        return hasCase
    }

    /// Not empty, and every character passes.
    func isAll(_ passes: (Unicode.Scalar) -> Bool) -> Bool {
        !isEmpty && units.allSatisfy { passes(Self.scalar($0)) }
    }

    private func mapped(_ map: (Unicode.Scalar) -> String) -> Text {
        var result: [UInt32] = []
        result.reserveCapacity(count)
        for unit in units {
            let origin = unit & Self.sent
            result += map(Self.scalar(unit)).unicodeScalars.map { $0.value | origin }
        }
        return Text(units: result)
    }

    /// A cased character is before the place and none after it; what case ignores does not count.
    private func endsWord(at place: Int) -> Bool {
        func neighbour(_ places: some Sequence<Int>) -> Bool {
            for other in places {
                let properties = Self.scalar(units[other]).properties
                if !properties.isCaseIgnorable { return properties.isCased }
            }
            return false
        }
        return neighbour((0..<place).reversed()) && !neighbour((place + 1)..<count)
    }
}
