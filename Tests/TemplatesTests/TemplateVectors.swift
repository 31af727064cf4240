import JSON
import TestSupport

@testable import Templates

/// jinja2's answers, made by deploy/parity/templates.py: Fixtures/vectors.json and the templates beside it
/// (functions.jinja, instructions.jinja, markers.jinja).
enum TemplateVectors {
    static let folder = TestFiles.fixtures(of: "TemplatesTests")

    static let root: JSONObject = {
        let bytes = TestFiles.bytes(of: "\(folder)/vectors.json") ?? []
        return (try? JSONValue(parsing: bytes, limits: .file))?.asObject ?? JSONObject()
    }()

    static let now = CivilTime(year: 2026, month: 1, day: 31, hour: 13, minute: 5, second: 9)

    static func source(_ name: String) -> String {
        String(decoding: TestFiles.bytes(of: "\(folder)/\(name)") ?? [], as: UTF8.self)
    }

    /// The text or nil, and why there is none.
    static func render(
        _ source: String, _ variables: TemplateVariables, limits: TemplateLimits = TemplateLimits()
    ) -> (text: String?, reason: String) {
        do throws(TemplateError) {
            let spans = try Template(source).render(variables, now: now, limits: limits)
            return (spans.map(\.text).joined(), "")
        } catch {
            return (nil, error.description)
        }
    }

    /// Values by name, as the template's own.
    static func variables(_ objects: JSONObject?...) -> TemplateVariables {
        var variables = TemplateVariables()
        for object in objects { for (name, value) in object ?? JSONObject() { variables.set(name, value) } }
        return variables
    }

    /// The variables of a conversation of the vectors.
    static func variables(conversation: JSONObject) -> TemplateVariables {
        var variables = variables(root["tokens"]?.asObject)
        variables.set("documents", .null)
        variables.set(sent: "tools", conversation["tools"] ?? .null)
        variables.set("add_generation_prompt", conversation["add_generation_prompt"] ?? true)
        for (name, value) in conversation["chat_template_kwargs"]?.asObject ?? JSONObject() {
            variables.set(sent: name, value)
        }
        variables.set(messages: conversation["messages"] ?? [])
        return variables
    }
}
