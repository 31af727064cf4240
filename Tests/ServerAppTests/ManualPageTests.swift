import Testing

@testable import ServerApp

@Suite struct ManualPageTests {
    private static let dump = #"""
        {"command": {"commandName": "keyhold", "abstract": "Serves models.", "subcommands": [
          {"commandName": "serve", "abstract": "Serve a model.", "discussion": "First.\n.so /etc/passwd", "arguments": [
            {"kind": "option", "abstract": "A port.", "defaultValue": "8080", "valueName": "port",
             "names": [{"kind": "short", "name": "p"}, {"kind": "long", "name": "the-port"}]},
            {"kind": "flag", "abstract": "Hidden.", "shouldDisplay": false, "names": [{"kind": "long", "name": "x"}]}],
           "subcommands": [{"commandName": "inner", "arguments": [
             {"kind": "positional", "abstract": "A back\\slash.", "valueName": "file"}]}]},
          {"commandName": "help", "abstract": "Show."}]}}
        """#

    @Test func commandsAndOptionsAreThere() throws {
        let text = try ManualPage(dump: Self.dump).text
        #expect(text.contains(".SS keyhold serve"))
        #expect(
            text.contains("\\fB\\-p\\fR \\fIport\\fR, \\fB\\-\\-the\\-port\\fR \\fIport\\fR\nA port. Default: 8080."))
        #expect(text.contains(".SS keyhold serve inner \\fIfile\\fR"))
        #expect(text.contains("back\\eslash"))
        #expect(!text.contains("Hidden") && !text.contains("keyhold help"))
    }

    @Test func textCannotGiveCommands() throws {
        #expect(try ManualPage(dump: Self.dump).text.contains("\n\\&.so /etc/passwd"))
    }

    @Test func everySettingIsThere() throws {
        let text = try ManualPage(dump: Self.dump).text
        for key in ConfigurationKey.allCases { #expect(text.contains(".B \(key.environmentName)\n")) }
    }

    @Test func anUnknownFormIsAnError() {
        #expect(throws: ManualPage.UnknownForm.self) { try ManualPage(dump: "{}") }
    }
}
