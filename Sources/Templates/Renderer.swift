internal import JSON

/// Runs the statements of one template once.
///
/// Not shared: a rendering belongs to one thread and ends with it.
final class Renderer {
    let limits: TemplateLimits
    /// For `strftime_now`.
    let now: CivilTime
    private var work: Int
    private var depth = 0
    /// Of the statement that runs, for errors.
    var line = 1
    /// The text of the block that runs.
    var output: [UInt32] = []
    /// Characters put aside by blocks that are being captured.
    private var heldCharacters = 0
    let globals: Scope
    private var namespaces: [Namespace] = []
    private var capturedScopes: [Scope] = []

    init(limits: TemplateLimits, now: CivilTime) {
        self.limits = limits
        self.now = now
        work = limits.work
        globals = Scope(parent: nil)
        for function in GlobalFunction.allCases { globals.variables[function.rawValue] = .function(function) }
    }

    /// The text of a whole template.
    func render(_ statements: [Statement], _ variables: [(String, Value)]) throws(TemplateError) -> Text {
        defer { takeApart() }
        for (name, value) in variables { globals.variables[name] = value }
        _ = try run(statements, Scope(parent: globals))
        return Text(units: output)
    }

    /// Namespaces and macros can hold each other in circles and in chains of any length.
    private func takeApart() {
        for namespace in namespaces { namespace.members = ValueDict() }
        for scope in capturedScopes { scope.variables = [:] }
        globals.variables = [:]
    }

    // MARK: Bounds

    /// Pays for work, counted in characters or elements.
    func charge(_ amount: Int) throws(TemplateError) {
        work -= amount
        guard work >= 0 else { throw .limit(line: line, reason: "the template does too much work for one prompt") }
    }

    /// Pays for a text and checks its length.
    func charge(characters: Int) throws(TemplateError) {
        guard characters <= limits.characters else {
            throw .limit(line: line, reason: "the template makes a text of more than \(limits.characters) characters")
        }
        try charge(characters)
    }

    /// A level of evaluation; `leave` must follow unless rendering ends.
    func enter() throws(TemplateError) {
        depth += 1
        guard depth <= limits.depth else {
            throw .limit(line: line, reason: "the template is nested more than \(limits.depth) deep")
        }
        try charge(TemplateLimits.stepCost)
    }

    func leave() { depth -= 1 }

    func failure(_ reason: String) -> TemplateError { .rendering(line: line, reason: reason) }

    /// The value, unless its lists are nested too deep.
    func checked(_ value: Value) throws(TemplateError) -> Value {
        guard value.depth <= TemplateLimits.nesting else {
            throw .limit(line: line, reason: "a value is nested more than \(TemplateLimits.nesting) deep")
        }
        return value
    }

    func track(_ namespace: Namespace) -> Value {
        namespaces.append(namespace)
        return .namespace(namespace)
    }

    func track(_ scope: Scope) { capturedScopes.append(scope) }

    // MARK: Output

    func write(_ text: Text) throws(TemplateError) {
        guard heldCharacters + output.count + text.count <= limits.characters else {
            throw .limit(line: line, reason: "the template writes more than \(limits.characters) characters")
        }
        try charge(text.count)
        output += text.units
    }

    /// What `body` writes, as a text.
    func capture(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> Text {
        let held = output
        output = []
        heldCharacters += held.count
        defer {
            output = held
            heldCharacters -= held.count
        }
        try body()
        return Text(units: output)
    }
}

/// Variables of a block. A name that is not here is looked up around it.
final class Scope {
    var variables: [String: Value] = [:]
    let parent: Scope?

    init(parent: Scope?) { self.parent = parent }

    subscript(name: String) -> Value? {
        var scope: Scope? = self
        while let current = scope {
            if let value = current.variables[name] { return value }
            scope = current.parent
        }
        return nil
    }
}
