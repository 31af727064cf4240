internal import OrderedCollections

/// Python's comparisons.
extension Renderer {
    func holds(_ comparison: Comparison, _ left: Value, _ right: Value) throws(TemplateError) -> Bool {
        switch comparison {
        case .equal: return try equal(left, right)
        case .notEqual: return !(try equal(left, right))
        case .less: return try precedes(left, right, "<")
        case .greater: return try precedes(right, left, ">")
        case .lessOrEqual: return try precedesOrEquals(left, right, "<=")
        case .greaterOrEqual: return try precedesOrEquals(right, left, ">=")
        case .within: return try contains(right, left)
        case .notWithin: return !(try contains(right, left))
        }
    }

    /// Equality of contents. Numbers of all types compare by value; other types are never equal to each other.
    func equal(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
        try charge(1)
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.text(let left), .text(let right)):
            try charge(min(left.count, right.count))
            return left == right
        case (.bigInt(let left), .bigInt(let right)): return left == right
        case (.list(let left), .list(let right)):
            guard left.isTuple == right.isTuple, left.items.count == right.items.count else { return false }
            for (left, right) in zip(left.items, right.items) where !(try equal(left, right)) { return false }
            return true
        case (.dict(let left), .dict(let right)):
            guard left.count == right.count else { return false }
            for (key, entry) in left.entries {
                guard let other = right[key], try equal(entry.value, other) else { return false }
            }
            return true
        case (.view(let left, let leftItems), .view(let right, let rightItems)):
            guard left == right, left != "dict_values" else { return false }
            return try equal(.list(leftItems), .list(rightItems))
        case (.range(let left), .range(let right)):
            return left.count == right.count && (left.count == 0 || left.start == right.start)
                && (left.count < 2 || left.step == right.step)
        default: return try sameNumber(left, right) || same(left, right)
        }
    }

    private func sameNumber(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
        if let left = left.asInt, let right = right.asInt { return left == right }
        guard let left = left.asDouble, let right = right.asDouble else { return false }
        return left == right
    }

    /// Python's `is`, as far as values here have an identity.
    func same(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.none, .none): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.text(let left), .text(let right)): left == right
        case (.iterator(let left), .iterator(let right)): left === right
        case (.namespace(let left), .namespace(let right)): left === right
        case (.macro(let left), .macro(let right)): left === right
        case (.loop(let left), .loop(let right)): left === right
        case (.cycler(let left), .cycler(let right)): left === right
        case (.joiner(let left), .joiner(let right)): left === right
        case (.function(let left), .function(let right)): left == right
        default: false
        }
    }

    /// `left < right`; `sign` is how the template wrote it.
    func precedes(_ left: Value, _ right: Value, _ sign: String = "<") throws(TemplateError) -> Bool {
        try charge(1)
        for value in [left, right] { if case .undefined(let undefined) = value { throw failure(undefined.message) } }
        if let left = left.asInt, let right = right.asInt { return left < right }
        if let left = left.asDouble, let right = right.asDouble { return left < right }
        switch (left, right) {
        case (.text(let left), .text(let right)):
            try charge(min(left.count, right.count))
            return left < right
        case (.list(let leftList), .list(let rightList)) where leftList.isTuple == rightList.isTuple:
            for (left, right) in zip(leftList.items, rightList.items) where !(try equal(left, right)) {
                return try precedes(left, right, sign)
            }
            return leftList.items.count < rightList.items.count
        default:
            let (first, second) = sign.hasPrefix(">") ? (right, left) : (left, right)
            throw failure(
                "'\(sign)' not supported between instances of '\(first.typeName)' and '\(second.typeName)'")
        }
    }

    private func precedesOrEquals(_ left: Value, _ right: Value, _ sign: String) throws(TemplateError) -> Bool {
        if try precedes(left, right, sign) { return true }
        return try equal(left, right)
    }

    /// `needle in value`
    func contains(_ value: Value, _ needle: Value) throws(TemplateError) -> Bool {
        switch value {
        case .text(let text):
            guard let part = needle.asText else {
                throw failure("'in <string>' requires string as left operand, not \(needle.typeName)")
            }
            try charge(text.count)
            return text.find(part) != nil
        case .dict(let dict): return dict[try key(needle)] != nil
        case .namespace, .none, .bool, .int, .float, .bigInt, .macro, .function, .method, .loop, .cycler, .joiner:
            throw failure("argument of type '\(value.typeName)' is not iterable")
        default:
            for item in try elements(of: value) where try equal(item, needle) { return true }
            return false
        }
    }

    /// Sorts by keys, equal ones in the order they came. Takes n log n comparisons.
    func sorted(_ values: [Value], by keys: [Value], descending: Bool = false) throws(TemplateError) -> [Value] {
        var order = Array(values.indices)
        var width = 1
        while width < order.count {
            var merged: [Int] = []
            merged.reserveCapacity(order.count)
            for start in stride(from: 0, to: order.count, by: 2 * width) {
                var (left, right) = (start, min(start + width, order.count))
                let (middle, end) = (right, min(start + 2 * width, order.count))
                while left < middle || right < end {
                    let takesRight: Bool
                    if left == middle || right == end {
                        takesRight = left == middle
                    } else {
                        let (first, second) = (keys[order[left]], keys[order[right]])
                        takesRight = try descending ? precedes(first, second) : precedes(second, first)
                    }
                    merged.append(takesRight ? order[right] : order[left])
                    if takesRight { right += 1 } else { left += 1 }
                }
            }
            order = merged
            width *= 2
        }
        return order.map { values[$0] }
    }
}
