internal import OrderedCollections

/// A value of the template language, with Python's types. Lists and dicts cannot be changed, as in jinja2's immutable
/// sandbox; only namespaces can.
enum Value {
    case undefined(Undefined)
    case none
    case bool(Bool)
    case int(Int)
    /// Decimal digits, with a minus sign perhaps, of an integer beyond `Int`: it can be shown and compared.
    case bigInt(String)
    case float(Double)
    case text(Text)
    case list(ValueList)
    case dict(ValueDict)
    /// What `dict.keys()`, `values()` and `items()` give: as a list, but without subscripts.
    case view(String, ValueList)
    case range(ValueRange)
    /// A generator: its elements can be taken once.
    case iterator(ValueIterator)
    case namespace(Namespace)
    case macro(Macro)
    case loop(LoopState)
    case cycler(Cycler)
    case joiner(Joiner)
    case method(BoundMethod)
    case function(GlobalFunction)
}

/// A value that is not there: prints as nothing, and most uses are errors with this text.
struct Undefined {
    var message: String
}

/// A list or a tuple.
struct ValueList {
    enum Kind { case list, tuple, group }

    let items: [Value]
    let kind: Kind
    /// Lists within lists, this one included.
    let depth: Int

    init(_ items: [Value], kind: Kind = .list) {
        self.items = items
        self.kind = kind
        depth = 1 + items.reduce(0) { max($0, $1.depth) }
    }

    var isTuple: Bool { kind != .list }
}

/// A dict in the order of insertion.
struct ValueDict {
    private(set) var entries: OrderedDictionary<ValueKey, Entry> = [:]
    private(set) var depth = 1

    struct Entry {
        var key: Value
        var value: Value
    }

    var count: Int { entries.count }
    subscript(key: ValueKey) -> Value? { entries[key]?.value }

    /// A key that is there keeps its place and its first spelling.
    mutating func set(_ key: ValueKey, _ entry: Entry) {
        depth = max(depth, 1 + entry.value.depth, 1 + entry.key.depth)
        if entries[key] == nil { entries[key] = entry } else { entries[key]?.value = entry.value }
    }

    var keys: [Value] { entries.values.map(\.key) }
    var values: [Value] { entries.values.map(\.value) }
    var items: [Value] { entries.values.map { .list(ValueList([$0.key, $0.value], kind: .tuple)) } }
}

/// What tells keys of a dict apart: 1, 1.0 and true are one key.
enum ValueKey: Hashable {
    case text([UInt32])
    case int(Int)
    case float(Double)
    case bigInt(String)
    case none
    case undefined
    case tuple([ValueKey])

    init(_ name: String) { self = .text(name.unicodeScalars.map(\.value)) }

    init(_ text: Text) { self = .text(text.units.map { $0 & ~Text.sent }) }
}

/// Python's `range`.
struct ValueRange {
    let start: Int
    let stop: Int
    let step: Int
    let count: Int

    subscript(index: Int) -> Value { .int(start + index * step) }
    var items: [Value] { (0..<count).map { self[$0] } }
}

/// A generator with the elements that are left.
final class ValueIterator {
    private var items: [Value]
    private var place = 0
    let depth: Int

    init(_ items: [Value]) {
        self.items = items
        depth = 1 + items.reduce(0) { max($0, $1.depth) }
    }

    /// Takes all that are left.
    func takeAll() -> [Value] {
        defer { (items, place) = ([], 0) }
        return place == 0 ? items : Array(items[place...])
    }

    /// Takes one.
    func next() -> Value? {
        guard place < items.count else { return nil }
        place += 1
        return items[place - 1]
    }
}

/// `namespace(…)`: the one thing whose attributes a template can set.
final class Namespace {
    var members: ValueDict

    init(_ members: ValueDict) { self.members = members }
}

/// `cycler(…)`.
final class Cycler {
    let items: ValueList
    var place = 0

    init(_ items: [Value]) { self.items = ValueList(items) }

    var current: Value { items.items[place] }
}

/// `joiner(separator)`: nothing at its first call, then the separator.
final class Joiner {
    let separator: Value
    var isUsed = false

    init(_ separator: Value) { self.separator = separator }
}

/// A method of a value, not called yet.
final class BoundMethod {
    let subject: Value
    let name: String
    let depth: Int

    init(_ subject: Value, _ name: String) {
        self.subject = subject
        self.name = name
        depth = subject.depth + 1
    }
}

/// Functions that every template can call.
enum GlobalFunction: String, CaseIterable {
    case range, dict, namespace, cycler, joiner
    case raise = "raise_exception"
    case formatNow = "strftime_now"
}

extension Value {
    static func undefined(_ message: String) -> Value { .undefined(Undefined(message: message)) }
    static func text(_ text: String) -> Value { .text(Text(text)) }
    static func list(_ items: [Value]) -> Value { .list(ValueList(items)) }
    static func tuple(_ items: [Value]) -> Value { .list(ValueList(items, kind: .tuple)) }
    static func generator(_ items: [Value]) -> Value { .iterator(ValueIterator(items)) }

    /// Values within values. Namespaces and macros count as none: the renderer takes their members apart at its end.
    var depth: Int {
        switch self {
        case .list(let list), .view(_, let list): list.depth
        case .dict(let dict): dict.depth
        case .iterator(let iterator): iterator.depth
        case .cycler(let cycler): cycler.items.depth + 1
        case .joiner(let joiner): joiner.separator.depth + 1
        case .loop(let loop): loop.depthOfValues
        case .method(let method): method.depth
        default: 0
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }
    var isNone: Bool { if case .none = self { true } else { false } }

    var asText: Text? { if case .text(let text) = self { text } else { nil } }

    /// An integer; booleans are integers.
    var asInt: Int? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    /// Any number.
    var asDouble: Double? {
        switch self {
        case .float(let value): value
        case .bigInt(let digits): Double(digits)
        default: asInt.map(Double.init)
        }
    }

    /// Python's name of the type.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .int, .bigInt: "int"
        case .float: "float"
        case .text: "str"
        case .list(let list): list.isTuple ? "tuple" : "list"
        case .dict: "dict"
        case .view(let name, _): name
        case .range: "range"
        case .iterator: "generator"
        case .namespace: "Namespace"
        case .macro: "Macro"
        case .loop: "LoopContext"
        case .cycler: "Cycler"
        case .joiner: "Joiner"
        case .method: "builtin_function_or_method"
        case .function: "function"
        }
    }

    /// Python's truth: empty things, zero, none and what is undefined are false.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .float(let value): value != 0
        case .text(let text): !text.isEmpty
        case .list(let list), .view(_, let list): !list.items.isEmpty
        case .dict(let dict): dict.count > 0
        case .range(let range): range.count > 0
        case .loop(let loop): !loop.items.isEmpty
        default: true
        }
    }
}
