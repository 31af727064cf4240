/// Python's `strip`, `find`, `split` and `replace`.
extension Text {
    /// Without characters of `set`, or without white space, at the wanted ends.
    func stripped(_ set: Text?, left: Bool = true, right: Bool = true) -> Text {
        let members = set.map { Set($0.units.map { $0 & ~Self.sent }) }
        func goes(_ unit: UInt32) -> Bool { members?.contains(unit & ~Self.sent) ?? Self.isSpace(unit) }
        var (start, end) = (0, count)
        while left, start < end, goes(units[start]) { start += 1 }
        while right, end > start, goes(units[end - 1]) { end -= 1 }
        return Text(units: units[start..<end])
    }

    var reversed: Text { Text(units: units.reversed()) }

    /// Whether `other` stands at `place`.
    func has(_ other: Text, at place: Int) -> Bool {
        guard place >= 0, place + other.count <= count else { return false }
        for offset in 0..<other.count where !Self.same(units[place + offset], other.units[offset]) { return false }
        return true
    }

    /// Place of the first occurrence that begins at `start` or later and ends at `end` or before. Takes time
    /// proportional to the text.
    func find(_ other: Text, from start: Int = 0, to end: Int? = nil) -> Int? {
        let end = end ?? count
        let last = end - other.count
        guard start <= last else { return nil }
        guard let first = other.units.first else { return start }
        if other.count > Self.longNeedle { return other.firstMatch(in: units[start..<end]) }
        for place in start...last where Self.same(units[place], first) && has(other, at: place) { return place }
        return nil
    }

    /// Place of the last occurrence within the bounds.
    func findLast(_ other: Text, from start: Int = 0, to end: Int? = nil) -> Int? {
        let end = end ?? count
        guard start <= end - other.count else { return nil }
        let found = Text(units: units[start..<end].reversed()).find(other.reversed)
        return found.map { end - $0 - other.count }
    }

    /// Above this length comparing at each place could take quadratic time.
    private static let longNeedle = 16

    /// Knuth, Morris and Pratt's search for `self`.
    private func firstMatch(in text: ArraySlice<UInt32>) -> Int? {
        var borders = [Int](repeating: 0, count: count)
        var length = 0
        for place in 1..<count {
            while length > 0, !Self.same(units[place], units[length]) { length = borders[length - 1] }
            if Self.same(units[place], units[length]) { length += 1 }
            borders[place] = length
        }
        length = 0
        for place in text.indices {
            while length > 0, !Self.same(text[place], units[length]) { length = borders[length - 1] }
            if Self.same(text[place], units[length]) { length += 1 }
            if length == count { return place - count + 1 }
        }
        return nil
    }

    /// At most `limit` cuts at `separator`, from the left.
    func split(separator: Text, limit: Int) -> [Text] {
        var parts: [Text] = []
        var start = 0
        while parts.count < limit, let place = find(separator, from: start) {
            parts.append(Text(units: units[start..<place]))
            start = place + separator.count
        }
        return parts + [Text(units: units[start...])]
    }

    /// The same from the right.
    func splitFromEnd(separator: Text, limit: Int) -> [Text] {
        reversed.split(separator: separator.reversed, limit: limit).reversed().map(\.reversed)
    }

    /// At most `limit` cuts at runs of white space, which counts for nothing at the ends.
    func splitAtSpaces(limit: Int) -> [Text] {
        var parts: [Text] = []
        var place = 0
        while true {
            while place < count, Self.isSpace(units[place]) { place += 1 }
            guard place < count else { return parts }
            if parts.count == limit { return parts + [Text(units: units[place...])] }
            let start = place
            while place < count, !Self.isSpace(units[place]) { place += 1 }
            parts.append(Text(units: units[start..<place]))
        }
    }

    /// The same from the right.
    func splitAtSpacesFromEnd(limit: Int) -> [Text] {
        reversed.splitAtSpaces(limit: limit).reversed().map(\.reversed)
    }

    /// Lines without their ends, or with them.
    func lines(keepsEnds: Bool = false) -> [Text] {
        var lines: [Text] = []
        var (start, place) = (0, 0)
        while place < count {
            guard Self.isLineEnd(units[place]) else {
                place += 1
                continue
            }
            var next = place + 1
            if units[place] & ~Self.sent == 13, next < count, units[next] & ~Self.sent == 10 { next += 1 }
            lines.append(Text(units: units[start..<(keepsEnds ? next : place)]))
            (start, place) = (next, next)
        }
        if start < count { lines.append(Text(units: units[start...])) }
        return lines
    }

    /// The first `limit` occurrences of `old` replaced. An empty `old` stands before each character and at the end.
    func replacing(_ old: Text, with new: Text, limit: Int) -> Text {
        guard limit > 0 else { return self }
        var result: [UInt32] = []
        var done = 0
        if old.isEmpty {
            for unit in units {
                if done < limit { result += new.units }
                done += 1
                result.append(unit)
            }
            if done < limit { result += new.units }
            return Text(units: result)
        }
        var start = 0
        while done < limit, let place = find(old, from: start) {
            result += units[start..<place]
            result += new.units
            start = place + old.count
            done += 1
        }
        return Text(units: result + units[start...])
    }

    /// How often `other` occurs without overlap within the bounds.
    func occurrences(of other: Text, from start: Int = 0, to end: Int? = nil) -> Int {
        if other.isEmpty { return max(0, (end ?? count) - start + 1) }
        var (found, place) = (0, start)
        while let next = find(other, from: place, to: end) {
            found += 1
            place = next + other.count
        }
        return found
    }

    /// The texts with `self` between them.
    func joining(_ parts: [Text]) -> Text {
        var result: [UInt32] = []
        for (index, part) in parts.enumerated() {
            if index > 0 { result += units }
            result += part.units
        }
        return Text(units: result)
    }
}
