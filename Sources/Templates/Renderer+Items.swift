/// Attributes, subscripts and slices, as jinja2's sandbox allows them.
extension Renderer {
    /// `value.name`: a method or attribute, else the member of that name.
    func attribute(_ name: String, of value: Value) throws(TemplateError) -> Value {
        if case .undefined(let undefined) = value { throw failure(undefined.message) }
        if let found = try ownAttribute(name, of: value) { return found }
        if case .dict(let dict) = value, let member = dict[name] { return member }
        return .undefined("'\(value.typeName)' object has no attribute '\(name)'")
    }

    /// `value[key]`: the element, else the method or attribute of that name.
    func item(_ key: Value, of value: Value) throws(TemplateError) -> Value {
        switch value {
        case .undefined(let undefined): throw failure(undefined.message)
        case .dict(let dict): if let found = try hashable(key), let member = dict[found] { return member }
        case .text(let text):
            if let index = try index(key, text.count) { return .text(Text(units: [text.units[index]])) }
        case .list(let list): if let index = try index(key, list.items.count) { return list.items[index] }
        case .range(let range): if let index = try index(key, range.count) { return range[index] }
        default: break
        }
        if let name = key.asText?.string {
            if let found = try ownAttribute(name, of: value) { return found }
            return .undefined("'\(value.typeName)' object has no attribute '\(name)'")
        }
        return .undefined("\(value.typeName) object has no element \(try representation(key).string)")
    }

    /// The place of a key in a sequence; nil where it is none.
    private func index(_ key: Value, _ count: Int) throws(TemplateError) -> Int? {
        guard let index = key.asInt else { return nil }
        let place = index < 0 ? index &+ count : index
        return (0..<count).contains(place) ? place : nil
    }

    /// What a value has of itself. What would change a list or a dict is there, but as something undefined.
    private func ownAttribute(_ name: String, of value: Value) throws(TemplateError) -> Value? {
        switch value {
        case .text: return MethodTable.text[name] == nil ? nil : try method(name, value)
        case .dict:
            if MethodTable.changingDicts.contains(name) { return unsafeAttribute(name, value) }
            return MethodTable.dict[name] == nil ? nil : try method(name, value)
        case .list(let list):
            if list.kind == .group, name == "grouper" { return list.items.first }
            if list.kind == .group, name == "list" { return list.items.last }
            if !list.isTuple, MethodTable.changingLists.contains(name) { return unsafeAttribute(name, value) }
            return MethodTable.list[name] == nil ? nil : try method(name, value)
        case .namespace(let namespace): return namespace.members[name]
        case .loop(let loop):
            if name == "cycle" || name == "changed" { return try method(name, value) }
            return loop[name]
        case .cycler(let cycler):
            if name == "next" || name == "reset" { return try method(name, value) }
            return name == "current" ? cycler.current : nil
        case .macro(let macro):
            switch name {
            case "name": return .text(macro.definition.name)
            case "arguments": return .tuple(macro.definition.parameters.map { .text($0) })
            default: return nil
            }
        default: return nil
        }
    }

    private func method(_ name: String, _ value: Value) throws(TemplateError) -> Value {
        try checked(.method(BoundMethod(value, name)))
    }

    private func unsafeAttribute(_ name: String, _ value: Value) -> Value {
        .undefined("access to attribute '\(name)' of '\(value.typeName)' object is unsafe.")
    }

    /// `value[start:stop:step]`
    func slice(_ value: Value, _ start: Int?, _ stop: Int?, _ step: Int?) throws(TemplateError) -> Value {
        let step = step ?? 1
        guard step != 0 else { throw failure("slice step cannot be zero") }
        switch value {
        case .undefined(let undefined): throw failure(undefined.message)
        case .text(let text):
            let places = places(text.count, start, stop, step)
            try charge(places.count)
            var slice = Text(units: places.map { text.units[$0] })
            slice.isMarkup = text.isMarkup
            return .text(slice)
        case .list(let list):
            let places = places(list.items.count, start, stop, step)
            try charge(places.count)
            return .list(ValueList(places.map { list.items[$0] }, kind: list.isTuple ? .tuple : .list))
        case .range(let range):
            let places = places(range.count, start, stop, step)
            let first = places.first.map { range.start + $0 * range.step } ?? range.start
            let width = step &* range.step
            let end = first &+ places.count &* width
            return .range(ValueRange(start: first, stop: end, step: width, count: places.count))
        default: return .undefined("\(value.typeName) object has no element slice")
        }
    }

    /// Places that a slice of a sequence takes, in its order.
    private func places(_ count: Int, _ start: Int?, _ stop: Int?, _ step: Int) -> [Int] {
        func clamped(_ bound: Int?, _ fallback: Int) -> Int {
            guard let bound else { return fallback }
            let place = bound < 0 ? bound &+ count : bound
            return step > 0 ? min(max(place, 0), count) : min(max(place, -1), count - 1)
        }
        let first = clamped(start, step > 0 ? 0 : count - 1)
        let end = clamped(stop, step > 0 ? count : -1)
        return Array(stride(from: first, to: end, by: min(max(step, -count - 1), count + 1)))
    }

    // MARK: Elements

    /// The elements of what can be looped over. A generator is used up.
    func elements(of value: Value) throws(TemplateError) -> [Value] {
        switch value {
        case .undefined: return []
        case .text(let text):
            try charge(text.count)
            return text.units.map { .text(Text(units: [$0])) }
        case .list(let list), .view(_, let list): return list.items
        case .dict(let dict):
            try charge(dict.count)
            return dict.keys
        case .range(let range):
            try charge(range.count)
            return range.items
        case .iterator(let iterator): return iterator.takeAll()
        default: throw failure("'\(value.typeName)' object is not iterable")
        }
    }

    /// Python's `len`; nil where there is none.
    func length(of value: Value) -> Int? {
        switch value {
        case .undefined: 0
        case .text(let text): text.count
        case .list(let list), .view(_, let list): list.items.count
        case .dict(let dict): dict.count
        case .range(let range): range.count
        case .loop(let loop): loop.items.count
        default: nil
        }
    }

    /// The key of a dict that a value is; nil for a value that cannot be one.
    private func hashable(_ value: Value) throws(TemplateError) -> ValueKey? {
        do throws(TemplateError) {
            return try key(value)
        } catch {
            if case .rendering = error { return nil }
            throw error
        }
    }

    /// What tells a value apart from others as a key of a dict.
    func key(_ value: Value) throws(TemplateError) -> ValueKey {
        switch value {
        case .undefined: return .undefined
        case .none: return .none
        case .bool(let value): return .int(value ? 1 : 0)
        case .int(let value): return .int(value)
        case .bigInt(let digits): return .bigInt(digits)
        case .float(let value): return Int(exactly: value).map { .int($0) } ?? .float(value)
        case .text(let text):
            try charge(text.count)
            return ValueKey(text)
        case .list(let list) where list.isTuple:
            var keys: [ValueKey] = []
            try charge(list.items.count + 1)
            for item in list.items { keys.append(try key(item)) }
            return .tuple(keys)
        default: throw failure("unhashable type: '\(value.typeName)'")
        }
    }
}
