import JSON
import Testing

@testable import Templates

/// A hostile template ends soon and says why.
@Suite struct TemplateLimitTests {
    private static let small = TemplateLimits(work: 2_000_000, characters: 100_000)

    /// A value that holds its smaller self twice, 120 times over.
    private static func doubled(_ value: String) -> String {
        "{% set ns = namespace(x=1) %}{% for i in range(120) %}{% set ns.x = \(value) %}{% endfor %}"
    }

    private static func deep(_ open: String, _ close: String, _ count: Int) -> String {
        "{{ " + String(repeating: open, count: count) + "1" + String(repeating: close, count: count) + " }}"
    }

    @Test(arguments: [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{{ f(n) ~ f(n) }}{% endmacro %}{{ f(1) }}",
        "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "\(doubled("[ns.x, ns.x]")){{ ns.x }}",
        "\(doubled("[ns.x, ns.x]")){{ ns.x == ns.x }}",
        "\(doubled("[ns.x, ns.x]")){{ ns.x|tojson }}",
        "\(doubled("(ns.x, ns.x)")){{ {ns.x: 1} }}",
        "{{ 'a' * 999999999999 }}", "{{ [1] * 999999999999 }}", "{{ 'a'|center(999999999) }}",
        "{{ 'a'.ljust(999999999) }}",
        "{{ '%999999999d' % 1 }}", "{{ '%*d' % (999999999, 1) }}", "{{ '{:999999999}'.format(1) }}",
        "{{ 'a'.zfill(999999999) }}",
        "{{ range(100001) }}", "{{ range(-9223372036854775807, 9223372036854775807) }}",
        "{{ [1]|batch(999999999, 0)|list }}", "{{ [1]|slice(999999999)|list }}",
        "{{ 'a'|indent(999999999, true) }}", "{{ [1]|tojson(indent=999999999) }}",
        "{% for i in range(99999) %}{{ 'aaaaaaaaaa' }}{% endfor %}",
        "{{ ('a' * 50000).replace('', 'b' * 50000) }}",
        "{% for i in range(999) %}{{ ('a' * 90000).split('a')|length }}{% endfor %}",
        "{{ ('b' * 50000).join('a' * 50000) }}", "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}",
        "{% set x = 'a' * 90000 %}{% for i in range(99999) %}{% if x in x %}{% endif %}{% endfor %}",
        "{{ 'a\tb'.expandtabs(999999999999) * 999 }}",
        "{% macro f() %}{{ caller() }}{{ caller() }}{% endmacro %}{% for i in range(99999) %}"
            + "{% call f() %}{% call f() %}{{ i }}{% endcall %}{% endcall %}{% endfor %}",
    ])
    func aHostileTemplateEndsWithAnError(source: String) {
        let clock = ContinuousClock()
        var text: String?
        let took = clock.measure { text = TemplateVectors.render(source, TemplateVariables(), limits: Self.small).text }
        #expect(text == nil)
        #expect(took < .seconds(20))
    }

    @Test func deepSourcesAreRefusedOrRendered() {
        for (open, close) in [
            ("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("{1:", "}"), ("f(", ")"), ("1+", ""),
            ("1 if ", " else 2"),
        ] {
            for count in [10, 50, 110, 1000, 100_000] {
                let reason = TemplateVectors.render(Self.deep(open, close, count), TemplateVariables()).reason
                if count > 1000 { #expect(!reason.isEmpty, "\(open) \(count)") }
            }
        }
        let blocks = String(repeating: "{% if 1 %}", count: 5000) + String(repeating: "{% endif %}", count: 5000)
        #expect(TemplateVectors.render(blocks, TemplateVariables()).text == nil)
        let wide = Self.deep("(" + String(repeating: "1+", count: 100), ")", 55)
        _ = TemplateVectors.render(wide, TemplateVariables())
    }

    @Test func limitsAreNamed() {
        func reason(_ source: String) -> String {
            TemplateVectors.render(source, TemplateVariables(), limits: Self.small).reason
        }
        #expect(reason("\n{% for i in range(99999) %}\n{% endfor %}").contains("too much work"))
        #expect(reason("a\n{{ 'a' * 100001 }}") == "line 2: the template makes a text of more than 100000 characters")
        #expect(reason("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}").contains("nested more than 400 deep"))
        #expect(reason("{{ range(100001) }}").contains("Range too big"))
        #expect(reason("{{ raise_exception('No ' ~ 'tools') }}") == "No tools")
    }

    /// A megabyte in one message is ordinary work.
    @Test func longMessagesPass() throws {
        var variables = TemplateVariables()
        let long = String(repeating: "word ", count: 100_000)
        variables.set(messages: [["role": "user", "content": .string(long)]])
        let source = "{% for m in messages %}{{ '<' + m.content | trim + '>' }}{% endfor %}"
        let text = TemplateVectors.render(source, variables).text
        #expect(text?.utf8.count == long.utf8.count + 1)
    }

    /// What templates build in circles and chains is taken apart at the end.
    @Test func macrosAndNamespacesAreFreed() throws {
        for source in [
            "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}x{% endmacro %}{{ a() }}",
            "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns.me.me is defined }}",
            "{% set ns = namespace(n=none) %}{% for i in range(9999) %}{% set ns.n = namespace(n=ns.n) %}{% endfor %}x",
            "{% set ns = namespace(f=none) %}{% for i in range(9999) %}{% macro m() %}{{ i }}{% endmacro %}"
                + "{% set ns.f = m %}{% endfor %}{{ ns.f() }}",
        ] {
            let (text, reason) = TemplateVectors.render(source, TemplateVariables())
            #expect(text != nil, "\(reason)")
        }
        weak var watched: Scope?
        do {
            let renderer = Renderer(limits: TemplateLimits(), now: TemplateVectors.now)
            watched = renderer.globals
            let body = try Parser.statements(
                of: "{% macro a() %}{% endmacro %}{% set ns = namespace(a=a) %}{% set ns.b = ns %}")
            _ = try renderer.render(body, [])
        }
        #expect(watched == nil)
    }
}
