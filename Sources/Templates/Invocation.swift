/// A call of a filter, test, method or function: what it works on and what was passed.
struct Invocation {
    let renderer: Renderer
    let subject: Value
    let passed: PassedArguments

    /// The arguments by the names of the parameters, nil where none was passed. Throws for any that no parameter takes.
    func bind(_ names: String...) throws(TemplateError) -> [Value?] {
        guard passed.positional.count <= names.count else {
            throw renderer.failure("takes at most \(names.count) arguments, \(passed.positional.count) given")
        }
        var bound = passed.positional.map(Optional.some)
        bound += [Value?](repeating: nil, count: names.count - bound.count)
        for (name, value) in passed.named {
            guard let index = names.firstIndex(of: name) else {
                throw renderer.failure("got an unexpected keyword argument '\(name)'")
            }
            guard bound[index] == nil else { throw renderer.failure("got multiple values for argument '\(name)'") }
            bound[index] = value
        }
        return bound
    }

    /// The value of a parameter that must be given.
    func required(_ value: Value?, _ name: String) throws(TemplateError) -> Value {
        guard let value else { throw renderer.failure("missing required argument '\(name)'") }
        return value
    }

    /// A count of integers within bounds.
    func integers(_ name: String, _ counts: ClosedRange<Int>) throws(TemplateError) -> [Int] {
        guard counts.contains(passed.positional.count), passed.named.isEmpty else {
            throw renderer.failure("\(name) takes \(counts.lowerBound) to \(counts.upperBound) arguments")
        }
        var integers: [Int] = []
        for value in passed.positional { integers.append(try integer(value, name)) }
        return integers
    }

    func integer(_ value: Value, _ name: String) throws(TemplateError) -> Int {
        guard let integer = value.asInt else {
            if case .undefined(let undefined) = value { throw renderer.failure(undefined.message) }
            throw renderer.failure("\(name): '\(value.typeName)' object cannot be interpreted as an integer")
        }
        return integer
    }

    func text(_ value: Value, _ name: String) throws(TemplateError) -> Text {
        guard let text = value.asText else {
            throw renderer.failure("\(name) must be str, not \(value.typeName)")
        }
        return text
    }

    /// The subject as a text: itself, or how it prints.
    func subjectText() throws(TemplateError) -> Text {
        let text = try renderer.string(subject)
        try renderer.charge(characters: text.count)
        return text
    }

    /// A text as the result, paid for.
    func result(_ text: Text) throws(TemplateError) -> Value {
        try renderer.charge(characters: text.count)
        var text = text
        if case .text(let subject) = subject, subject.isMarkup { text.isMarkup = true }
        return .text(text)
    }

    func failure(_ reason: String) -> TemplateError { renderer.failure(reason) }
}

/// A filter, or a method.
typealias Computation = @Sendable (Invocation) throws(TemplateError) -> Value
/// A test.
typealias Check = @Sendable (Invocation) throws(TemplateError) -> Bool

/// Every filter by name.
enum FilterTable {
    static let filters: [String: Computation] =
        TextFilters.table.merging(SequenceFilters.table) { first, _ in first }
        .merging(SelectionFilters.table) { first, _ in first }
        .merging(OrderFilters.table) { first, _ in first }
        .merging(NumberFilters.table) { first, _ in first }
}

extension Renderer {
    /// Applies a filter by name.
    func filter(_ subject: Value, _ name: String, _ passed: PassedArguments) throws(TemplateError) -> Value {
        guard let filter = FilterTable.filters[name] else { throw failure("No filter named '\(name)'.") }
        return try filter(Invocation(renderer: self, subject: subject, passed: passed))
    }

    /// Applies a test by name.
    func test(_ subject: Value, _ name: String, _ passed: PassedArguments) throws(TemplateError) -> Bool {
        guard let test = TestTable.tests[name] else { throw failure("No test named '\(name)'.") }
        return try test(Invocation(renderer: self, subject: subject, passed: passed))
    }
}
