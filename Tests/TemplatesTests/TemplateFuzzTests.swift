import JSON
import TestSupport
import Testing

@testable import Templates

/// Mutated templates: any text or error, but no crash and no hang.
@Suite struct TemplateFuzzTests {
    private static let limits = TemplateLimits(work: 300_000, characters: 20_000)

    private static let sources: [String] = {
        let snippets = TemplateVectors.root["snippets"]?.asArray ?? []
        let own = ["functions.jinja", "instructions.jinja", "markers.jinja"].map(TemplateVectors.source)
        return own + snippets.compactMap { $0.asObject?["template"]?.asString }
    }()

    /// Pieces that mutations put in.
    private static let words = [
        "{{", "}}", "{%", "%}", "{#", "#}", "-%}", "{%-", "if", "endif", "for x in", "endfor", "set", "endset", "macro",
        "endmacro", "call", "endcall", "else", "|", "(", ")", "[", "]", "[::-1]", "{", "}", ",", ".", "'", "\"", "\\",
        "~", "+", "-",
        "*", "**", "//", "%", "==", "<", "is", "not", "in", "and", "or", "loop", "loop.index", "namespace", "range(",
        "caller()",
        "9223372036854775807", "-1", "0", "1e308", "0.5", "none", "true", "messages", "s", "l", "d", "nested", "tree",
        "join",
        "map(", "sort", "tojson", "indent=", "*l", "**d", "recursive", "raw", "endraw", "é", "\u{200B}", "\n", "  ",
        "%s", "{:>9}",
    ]

    @Test func mutatedTemplatesNeverCrash() {
        var random = SeededRandom(seed: 0x7E_3A)
        var variables = TemplateVectors.variables(TemplateVectors.root["values"]?.asObject)
        variables.set(messages: [["role": "user", "content": "Hi"], ["role": "assistant", "content": .null]])
        let budget = FuzzBudget(seconds: 2)
        var (count, rendered, slowest) = (0, 0, Duration.zero)
        var slowestSource = ""
        while budget.isLeft {
            let source = Self.mutated(&random)
            let start = FuzzBudget.threadTime
            if TemplateVectors.render(source, variables, limits: Self.limits).text != nil { rendered += 1 }
            let took = FuzzBudget.threadTime - start
            if took > slowest { (slowest, slowestSource) = (took, source) }
            count += 1
        }
        budget.report("templates: \(count), \(rendered) rendered, slowest \(slowest),")
        #expect(count > 50)
        // Mutations that nothing survives would test the parser alone.
        #expect(rendered * 50 > count)
        #expect(slowest < .seconds(10), "\(slowestSource)")
    }

    private static func mutated(_ random: inout SeededRandom) -> String {
        var source = Array((sources.randomElement(using: &random) ?? "").unicodeScalars)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...source.count, using: &random)
            let end = min(source.count, place + Int.random(in: 0...12, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: source.removeSubrange(place..<end)
            case 1:
                source.insert(contentsOf: Array((words.randomElement(using: &random) ?? "").unicodeScalars), at: place)
            case 2:
                source.replaceSubrange(
                    place..<end, with: Array((words.randomElement(using: &random) ?? "").unicodeScalars))
            case 3:
                source.insert(
                    contentsOf: Array(source[place..<end]), at: Int.random(in: 0...source.count, using: &random))
            default:
                let other = Array((sources.randomElement(using: &random) ?? "").unicodeScalars)
                let from = Int.random(in: 0...other.count, using: &random)
                source.insert(contentsOf: other[from...].prefix(60), at: place)
            }
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: source)
        return String(view)
    }
}
