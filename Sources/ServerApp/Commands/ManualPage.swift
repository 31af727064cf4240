internal import JSON

/// The manual page, made of what the command line's parser knows about commands and options, and of the table of
/// settings: man(7) source.
public struct ManualPage: Sendable {
    /// The page.
    public let text: String

    /// What the parser says of itself is no JSON of the known form.
    public struct UnknownForm: Error, CustomStringConvertible {
        public var description: String { "the command line's description of itself has an unknown form" }
    }

    /// `dump` is the parser's description of all commands as JSON.
    public init(dump: String) throws {
        let parsed = try JSONValue(parsing: Array(dump.utf8), limits: .file)
        guard let command = parsed.asObject?["command"]?.asObject else { throw UnknownForm() }
        let name = command["commandName"]?.asString ?? ""
        var lines = [
            ".TH \(name.uppercased()) 1 \"\" \"\(ProductVersion.text)\" \"User Commands\"", ".SH NAME",
            "\(name) \\- \(Self.escaped(Self.first(command["abstract"])))", ".SH SYNOPSIS",
            ".B \(name)", ".I command", ".RI [ options ]", ".SH COMMANDS",
        ]
        for sub in Self.subcommands(of: command) { lines += Self.section(sub, under: name) }
        lines += Self.environment + Self.files
        text = lines.joined(separator: "\n") + "\n"
    }

    // MARK: Commands

    private static func subcommands(of command: JSONObject) -> [JSONObject] {
        (command["subcommands"]?.asArray ?? []).compactMap(\.asObject).filter {
            $0["shouldDisplay"]?.asBool != false && $0["commandName"]?.asString != "help"
        }
    }

    private static func section(_ command: JSONObject, under parent: String) -> [String] {
        let name = "\(parent) \(command["commandName"]?.asString ?? "")"
        let arguments = (command["arguments"]?.asArray ?? []).compactMap(\.asObject).filter {
            $0["shouldDisplay"]?.asBool != false && preferredName(of: $0) != "help"
        }
        let positional = arguments.filter { $0["kind"]?.asString == "positional" }
        let synopsis = positional.map { "\\fI\(escaped(valueName(of: $0)))\\fR" }.joined(separator: " ")
        var lines = [".SS \(escaped(name)) \(synopsis)"]
        for key in ["abstract", "discussion"] {
            if let text = command[key]?.asString { lines += [".PP", escaped(text)] }
        }
        for argument in arguments { lines += item(argument) }
        for sub in subcommands(of: command) { lines += section(sub, under: name) }
        return lines
    }

    private static func item(_ argument: JSONObject) -> [String] {
        let isOption = argument["kind"]?.asString == "option"
        let value = escaped(valueName(of: argument))
        let names = (argument["names"]?.asArray ?? []).compactMap(\.asObject).map { name in
            let dashes = name["kind"]?.asString == "short" ? "\\-" : "\\-\\-"
            return "\\fB\(dashes)\(escaped(name["name"]?.asString ?? ""))\\fR" + (isOption ? " \\fI\(value)\\fR" : "")
        }
        var meaning = argument["abstract"]?.asString ?? ""
        if let fallback = argument["defaultValue"]?.asString, !fallback.isEmpty { meaning += " Default: \(fallback)." }
        let head = names.isEmpty ? "\\fI\(value)\\fR" : names.joined(separator: ", ")
        return [".TP", head, escaped(meaning)]
    }

    private static func preferredName(of argument: JSONObject) -> String? {
        argument["preferredName"]?.asObject?["name"]?.asString
    }

    private static func valueName(of argument: JSONObject) -> String { argument["valueName"]?.asString ?? "" }

    private static func first(_ text: JSONValue?) -> String { text?.asString ?? "" }

    // MARK: Settings

    private static var environment: [String] {
        var lines = [
            ".SH ENVIRONMENT", "Every setting of", ".BR serve ,",
            "with the variable that sets it; an option on the command line wins, a configuration file loses.",
        ]
        for key in ConfigurationKey.allCases {
            let fallback = key.definition.fallback.map { " Default: \($0)." } ?? ""
            lines += [".TP", ".B \(escaped(key.environmentName))", escaped(key.definition.meaning + fallback)]
        }
        return lines
    }

    private static let files = [
        ".SH FILES", ".TP", ".I /etc/keyhold/keyhold.yaml", "Settings of the service that the package installs.",
        ".SH SIGNALS", ".TP", ".B SIGTERM, SIGINT",
        "End when the running requests have ended, or after drain_grace; a second one ends at once.",
        ".SH EXIT STATUS", "0 on success, 64 for a wrong command line, 1 for other errors.",
    ]

    /// Text in which roff sees no commands.
    private static func escaped(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true).map { line in
            let line = line.replacing("\\", with: "\\e").replacing("-", with: "\\-")
            return line.first == "." || line.first == "'" ? "\\&" + line : line
        }
        return lines.joined(separator: "\n")
    }
}
