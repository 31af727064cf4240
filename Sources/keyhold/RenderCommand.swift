internal import ArgumentParser
internal import ServerApp

/// `keyhold render`: the prompt of a conversation.
struct RenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Print the prompt that a model's chat template makes of a conversation.",
        discussion: """
            Needs no weights: a GGUF file with only a vocabulary will do, and a folder with only tokenizer files. The \
            prompt is printed as it is, without a line break at its end.
            """)

    @Option(
        name: [.customShort("m"), .customLong("model")],
        help: "GGUF file or folder with tokenizer files; the built-in model if absent.")
    var model: String?

    @Option(help: "JSON file: an array of messages, or an object with messages, tools and chat_template_kwargs.")
    var messages: String

    @Option(help: "JSON file with an array of tools.")
    var tools: String?

    @Option(help: "Template file (.jinja) in place of the model's own.")
    var template: String?

    @Option(help: "What strftime_now shows, such as 2026-01-31 or 2026-01-31T23:59:59; now if absent.")
    var time: String?

    @Flag(help: "Print token ids on one line in place of the text.")
    var ids = false

    @Flag(name: .customLong("no-generation-prompt"), help: "Do not open the assistant's turn at the end.")
    var noGenerationPrompt = false

    func run() throws {
        var rendering = PromptRendering(messages: messages)
        rendering.model = model
        rendering.tools = tools
        rendering.template = template
        rendering.time = time
        rendering.addsGenerationPrompt = !noGenerationPrompt
        StandardOutput.write(ids ? try rendering.tokens() + "\n" : try rendering.text())
    }
}
