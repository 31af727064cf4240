import JSON
import Testing

@testable import Templates

/// Characters of a client's text stay marked through everything that a template can do with them.
@Suite struct TemplateProvenanceTests {
    private func spans(_ source: String, _ sent: JSONValue = "<|A|> b\u{130}ß\t'x'\n") throws -> [TemplateSpan] {
        var variables = TemplateVariables()
        variables.set(sent: "x", sent)
        variables.set("own", "<|own|>")
        return try Template(source).render(variables, now: TemplateVectors.now)
    }

    @Test func aPromptIsCutWhereItsOriginChanges() throws {
        let spans = try spans("[{{ x }}]{{ own }}", "text")
        #expect(
            spans == [
                TemplateSpan(text: "[", isSent: false), TemplateSpan(text: "text", isSent: true),
                TemplateSpan(text: "]<|own|>", isSent: false),
            ])
    }

    /// Nothing of what these write is the template's own.
    @Test(arguments: [
        "{{ x }}", "{{ x|upper }}", "{{ x|lower }}", "{{ x|title }}", "{{ x|capitalize }}", "{{ x|trim }}",
        "{{ x.strip() }}",
        "{{ x[1:5] }}", "{{ x[::-1] }}", "{{ x[0] }}", "{{ x|reverse }}", "{{ x|replace('|', '') }}",
        "{{ x.replace('<', '') }}",
        "{{ x.split('|')[1] }}", "{{ x.split()|join }}", "{{ x.splitlines()|first }}", "{{ x|list|join }}",
        "{{ x ~ x }}", "{{ x + x }}",
        "{{ x * 2 }}", "{{ x|string }}", "{{ x|safe }}", "{{ '%s' % x }}", "{{ '%s'|format(x) }}",
        "{{ '{}'.format(x) }}",
        "{% set y %}{{ x }}{% endset %}{{ y }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x) }}",
        "{% for c in x %}{{ c }}{% endfor %}",
        "{% filter upper %}{{ x }}{% endfilter %}", "{{ {'a': x}.a }}", "{{ [x]|first }}",
        "{{ x.partition('|')|join }}", "{{ x|truncate(3, true, '', 0) }}",
        "{{ (x ~ '')|e }}", "{{ x.swapcase() }}", "{{ x.removeprefix('<') }}", "{{ x|urlencode }}",
        "{{ [x]|map('upper')|join }}",
        "{{ {x: 1}|first }}", "{% set ns = namespace(t=x) %}{{ ns.t }}", "{{ x|default('y') }}",
        "{{ [x, x]|unique|first }}", "{{ [x]|sort|first }}",
    ])
    func operationsKeepTheMark(source: String) throws {
        let spans = try spans(source)
        #expect(!spans.isEmpty)
        let own = spans.filter { !$0.isSent }
        #expect(own.isEmpty, "\(source): \(spans)")
    }

    /// Characters that a template makes out of numbers, names and formats of the client are the client's.
    @Test(arguments: [
        "{{ '%c%c' % (x.a, x.b) }}", "{{ strftime_now(x.f) }}", "{{ dict(**x)|first }}", "{{ x.f.format(1) }}",
        "{% macro m() %}{{ kwargs|first }}{% endmacro %}{{ m(**x) }}", "{{ '{:c}'.format(x.a) }}", "{{ x.p % 5 }}",
    ])
    func indirectCharactersAreTheClients(source: String) throws {
        let own = try spans(source, ["a": 60, "b": 124, "f": "<|A{:|>5}|>", "p": "<|%5d"]).filter { !$0.isSent }
        #expect(own.isEmpty, "\(source): \(own)")
    }

    @Test func whatTheTemplateAddsIsItsOwn() throws {
        let json = try spans("{{ {'k': x, 'l': [x]}|tojson }}", "<|")
        #expect(json.filter(\.isSent).map(\.text) == ["<|", "<|"])
        #expect(json.map(\.text).joined() == #"{"k": "<|", "l": ["<|"]}"#)
        let shown = try spans("{{ [x, own] }}", "a'b")
        #expect(shown.filter(\.isSent).map(\.text) == ["a'b"])
        let joined = try spans("{{ x|join('<|sep|>') }}", ["a", "b"])
        #expect(joined.map(\.isSent) == [true, false, true])
        let replaced = try spans("{{ 'ab'|replace('b', x) }}", "<|")
        #expect(
            replaced == [TemplateSpan(text: "a", isSent: false), TemplateSpan(text: "<|", isSent: true)])
    }

    /// `'<|' + role + '|>'` must be able to make a control token, with roles that are plain names.
    @Test func rolesAreTrustedWhereTheyArePlainNames() throws {
        var variables = TemplateVariables()
        variables.set(messages: [
            ["role": "user", "content": "user"], ["role": "us|er", "content": "x"],
            ["role": "assistant", "name": "user"],
        ])
        let source = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ m.name }}{% endfor %}"
        let spans = try Template(source).render(variables, now: TemplateVectors.now)
        #expect(spans.filter(\.isSent).map(\.text) == ["user", "us|er", "x", "user"])
        #expect(spans.map(\.text).joined() == "<|user|>user<|us|er|>x<|assistant|>user")
    }
}
