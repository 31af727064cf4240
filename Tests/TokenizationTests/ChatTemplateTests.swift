import Generation
import Testing

@testable import Tokenization

@Suite struct ChatTemplateTests {
    private static let conversation = [
        ChatMessage(role: "user", content: " Hi there "), ChatMessage(role: "assistant", content: "Hello."),
        ChatMessage(role: "user", content: "Bye"),
    ]
    private static let withSystem = [ChatMessage(role: "system", content: "Be brief.")] + conversation

    /// The prompt as text, with BOS and EOS spelled out.
    private func text(_ pieces: [ChatPiece]) -> String {
        pieces.map { piece in
            switch piece {
            case .text(let text), .special(let text): text
            case .bos: "<BOS>"
            case .modelPrefix: ""
            case .eos: "<EOS>"
            }
        }.joined()
    }

    private func render(_ name: String, _ messages: [ChatMessage], generates: Bool = true) throws -> String {
        let template = try #require(ChatTemplate.named(name))
        return text(try template.render(messages, addGenerationPrompt: generates))
    }

    /// What the families' published templates make of the conversation.
    @Test(arguments: [
        (
            "chatml",
            "<|im_start|>user\n Hi there <|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
                + "<|im_start|>user\nBye<|im_end|>\n", "<|im_start|>assistant\n"
        ),
        (
            "llama3",
            "<BOS><|start_header_id|>user<|end_header_id|>\n\nHi there<|eot_id|>"
                + "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
                + "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\n"
        ),
        (
            "llama2", "<BOS>[INST] Hi there [/INST] Hello. <EOS><BOS>[INST] Bye [/INST]", ""
        ),
        ("mistral-v1", "<BOS> [INST]  Hi there  [/INST] Hello.<EOS> [INST] Bye [/INST]", ""),
        ("mistral-v1-plain", "<BOS>[INST]  Hi there  [/INST]Hello.<EOS>[INST] Bye [/INST]", ""),
        ("mistral", "<BOS>[INST]  Hi there [/INST] Hello.<EOS>[INST] Bye[/INST]", ""),
        ("mistral-tekken", "<BOS>[INST] Hi there [/INST]Hello.<EOS>[INST]Bye[/INST]", ""),
        (
            "gemma",
            "<BOS><start_of_turn>user\nHi there<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n"
                + "<start_of_turn>user\nBye<end_of_turn>\n", "<start_of_turn>model\n"
        ),
        (
            "phi3", "<|user|>\n Hi there <|end|>\n<|assistant|>\nHello.<|end|>\n<|user|>\nBye<|end|>\n",
            "<|assistant|>\n"
        ),
        ("zephyr", "<|user|>\n Hi there <EOS>\n<|assistant|>\nHello.<EOS>\n<|user|>\nBye<EOS>\n", "<|assistant|>\n"),
        ("plain", "\nUser:  Hi there \nAssistant: Hello.\nUser: Bye", "\nAssistant:"),
    ])
    func namedFormatsWriteTheirTurns(name: String, turns: String, opening: String) throws {
        #expect(try render(name, Self.conversation, generates: false) == turns)
        #expect(try render(name, Self.conversation) == turns + opening)
    }

    @Test(arguments: [
        ("chatml", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi"),
        ("llama3", "<BOS><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user"),
        ("llama2", "<BOS>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n Hi there [/INST]"),
        ("mistral-v1", "<BOS> [INST] Be brief.\n\n Hi there  [/INST]"),
        ("mistral", "<BOS>[INST]  Hi there [/INST] Hello.<EOS>[INST] Be brief.\n\nBye[/INST]"),
        ("mistral-tekken", "<BOS>[INST] Hi there [/INST]Hello.<EOS>[INST]Be brief.\n\nBye[/INST]"),
        ("gemma", "<BOS><start_of_turn>user\nBe brief.\n\n Hi there<end_of_turn>\n"),
        ("phi3", "<|system|>\nBe brief.<|end|>\n<|user|>\n Hi"),
        ("zephyr", "<|system|>\nBe brief.<EOS>\n<|user|>\n Hi"),
        ("plain", "Be brief.\nUser:  Hi"),
    ])
    func systemMessagesStandWhereTheFormatHasThem(name: String, start: String) throws {
        #expect(try render(name, Self.withSystem).hasPrefix(start))
        let newName = [ChatMessage(role: "developer", content: "Be brief.")] + Self.conversation
        #expect(try render(name, newName).hasPrefix(start))
    }

    @Test func everyNameIsKnown() {
        for name in ChatTemplate.names { #expect(ChatTemplate.named(name)?.name == name) }
        #expect(ChatTemplate.named("Chatml") == nil)
    }

    @Test(arguments: ["llama2", "mistral", "gemma"])
    func rolesThatDoNotAlternateAreRefused(name: String) throws {
        let template = try #require(ChatTemplate.named(name))
        let user = ChatMessage(role: "user", content: "x")
        let assistant = ChatMessage(role: "assistant", content: "x")
        let system = ChatMessage(role: "system", content: "x")
        for (messages, error) in [
            ([assistant], .rolesMustAlternate(message: 0)), ([user, user], .rolesMustAlternate(message: 1)),
            ([user, assistant, assistant], .rolesMustAlternate(message: 2)),
            ([system, assistant], .rolesMustAlternate(message: 1)), ([system], .rolesMustAlternate(message: 1)),
            ([user, system], .systemNotFirst(message: 1)),
        ] as [([ChatMessage], ChatTemplateError)] {
            #expect(throws: error) { try template.render(messages, addGenerationPrompt: true) }
        }
    }

    @Test(arguments: ChatTemplate.names)
    func emptyConversationsAndUnknownRolesAreRefused(name: String) throws {
        let template = try #require(ChatTemplate.named(name))
        #expect(throws: ChatTemplateError.noMessages) { try template.render([], addGenerationPrompt: true) }
        let tool = [ChatMessage(role: "user", content: "x"), ChatMessage(role: "tool", content: "x")]
        #expect(throws: ChatTemplateError.unknownRole("tool", message: 1)) {
            try template.render(tool, addGenerationPrompt: true)
        }
    }
}
