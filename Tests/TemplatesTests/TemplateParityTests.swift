import Foundation
import JSON
import TestSupport
import Testing

@testable import Templates

/// The same texts as jinja2, and refusals where it refuses.
@Suite struct TemplateParityTests {
    @Test func snippetsRenderAsWithJinja2() throws {
        let variables = TemplateVectors.variables(
            TemplateVectors.root["tokens"]?.asObject, TemplateVectors.root["values"]?.asObject)
        let cases = try #require(TemplateVectors.root["snippets"]?.asArray)
        #expect(cases.count > 250)
        var findings: [String] = []
        for item in cases {
            let source = item.asObject?["template"]?.asString ?? ""
            let expected = item.asObject?["text"]?.asString
            let (text, reason) = TemplateVectors.render(source, variables)
            if text.map({ Array($0.utf8) }) == expected.map({ Array($0.utf8) }) { continue }
            findings.append("\(source)\n  jinja2:  \(expected ?? "refuses")\n  keyhold: \(text ?? reason)")
        }
        if !findings.isEmpty { Issue.record("\(findings.count) differ:\n\(findings.joined(separator: "\n"))") }
    }

    @Test func conversationsRenderAsWithJinja2() throws {
        let chats = try #require(TemplateVectors.root["chats"]?.asArray)
        let conversations = try #require(TemplateVectors.root["conversations"]?.asObject)
        #expect(chats.count > 100)
        var findings: [String] = []
        for item in chats {
            guard let chat = item.asObject, let name = chat["template"]?.asString,
                let title = chat["conversation"]?.asString, let conversation = conversations[title]?.asObject
            else {
                findings.append("a case without template or conversation")
                continue
            }
            let (text, reason) = TemplateVectors.render(
                TemplateVectors.source(name), TemplateVectors.variables(conversation: conversation))
            if text.map({ Array($0.utf8) }) == chat["text"]?.asString.map({ Array($0.utf8) }) { continue }
            let expected = chat["text"]?.asString
            findings.append("\(name), \(title)\n  jinja2:  \(expected ?? "refuses")\n  keyhold: \(text ?? reason)")
        }
        if !findings.isEmpty { Issue.record("\(findings.count) differ:\n\(findings.joined(separator: "\n"))") }
    }

    /// Templates that were published with models parse, and each renders some conversation.
    @Test func publishedTemplatesRender() throws {
        var found = 0
        for folder in ["tokenizers/templates", "tokenizers/mistral/templates"] {
            guard let path = TestFiles.sharedFile(folder, for: "publishedTemplatesRender") else { return }
            for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            where name.hasSuffix(".jinja") {
                let source = String(decoding: TestFiles.bytes(of: "\(path)/\(name)") ?? [], as: UTF8.self)
                var object = JSONObject()
                object["messages"] = [["role": "user", "content": "Hi there"]]
                object["tools"] = name.contains("tool_use") ? [] : nil
                let (text, reason) = TemplateVectors.render(source, TemplateVectors.variables(conversation: object))
                #expect(text?.contains("Hi there") == true, "\(name): \(reason)")
                found += 1
            }
        }
        #expect(found > 5)
    }
}
