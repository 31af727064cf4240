extension ChatTemplate {
    /// The prompt of a conversation. `addGenerationPrompt` opens the assistant's turn at its end.
    public func render(
        _ messages: [ChatMessage], addGenerationPrompt: Bool
    ) throws(ChatTemplateError) -> [ChatPiece] {
        guard !messages.isEmpty else { throw .noMessages }
        var turns: [Turn] = []
        for (number, message) in messages.enumerated() {
            guard let role = Role(name: message.role) else {
                throw .unknownRole(message.role, message: number)
            }
            turns.append(Turn(role: role, content: message.content))
        }
        var pieces: [ChatPiece] = []
        switch beginning {
        case .bos: pieces.append(.bos)
        case .modelPrefix: pieces.append(.modelPrefix)
        case .nothing: break
        }
        switch format {
        case .chatml, .llama3, .phi3, .zephyr:
            pieces += marked(turns, addGenerationPrompt)
        case .gemma:
            pieces += gemma(try folded(turns, separator: "\n\n"), addGenerationPrompt)
        case .llama2:
            pieces += llama2(try split(turns))
        case .mistralV1, .mistralV1Plain, .mistralV3, .mistralTekken:
            pieces += mistral(try split(turns))
        case .plain:
            pieces += plain(turns, addGenerationPrompt)
        }
        return pieces
    }

    private enum Role: String {
        case system, user, assistant

        init?(name: String) {
            if name == "developer" { self = .system } else { self.init(rawValue: name) }
        }
    }

    private struct Turn {
        var role: Role
        var content: String
    }

    /// Formats that write any role in any order between markers.
    private func marked(_ turns: [Turn], _ addGenerationPrompt: Bool) -> [ChatPiece] {
        var pieces: [ChatPiece] = []
        for turn in turns {
            switch format {
            case .llama3:
                pieces += opening(turn.role) + [.text(turn.content.trimmed), .special("<|eot_id|>")]
            case .phi3:
                pieces += opening(turn.role) + [.text(turn.content), .special("<|end|>"), .text("\n")]
            case .zephyr:
                pieces += opening(turn.role) + [.text(turn.content), .eos, .text("\n")]
            default:
                pieces += opening(turn.role) + [.text(turn.content), .special("<|im_end|>"), .text("\n")]
            }
        }
        return addGenerationPrompt ? pieces + opening(.assistant) : pieces
    }

    private func opening(_ role: Role) -> [ChatPiece] {
        switch format {
        case .llama3:
            [
                .special("<|start_header_id|>"), .text(role.rawValue), .special("<|end_header_id|>"), .text("\n\n"),
            ]
        case .phi3, .zephyr: [.special("<|\(role.rawValue)|>"), .text("\n")]
        default: [.special("<|im_start|>"), .text(role.rawValue + "\n")]
        }
    }

    private func gemma(_ turns: [Turn], _ addGenerationPrompt: Bool) -> [ChatPiece] {
        var pieces: [ChatPiece] = []
        for turn in turns {
            let role = turn.role == .assistant ? "model" : "user"
            pieces += [.special("<start_of_turn>"), .text("\(role)\n\(turn.content.trimmed)")]
            pieces += [.special("<end_of_turn>"), .text("\n")]
        }
        return addGenerationPrompt ? pieces + [.special("<start_of_turn>"), .text("model\n")] : pieces
    }

    /// Llama 2 (Touvron et al., arXiv 2307.09288, appendix A.3.3): each exchange is a text of its own.
    private func llama2(_ conversation: (system: String?, turns: [Turn])) -> [ChatPiece] {
        var pieces: [ChatPiece] = []
        for (number, turn) in conversation.turns.enumerated() {
            if turn.role == .assistant {
                pieces += [.text(" \(turn.content.trimmed) "), .eos]
                continue
            }
            if number > 0, beginning == .bos { pieces.append(.bos) }
            var text = turn.content
            if number == 0, let system = conversation.system { text = "<<SYS>>\n\(system)\n<</SYS>>\n\n\(text)" }
            pieces.append(.text("[INST] \(text.trimmed) [/INST]"))
        }
        return pieces
    }

    /// The system message goes in front of the first instruction, from the third tokenizer on of the last.
    private func mistral(_ conversation: (system: String?, turns: [Turn])) -> [ChatPiece] {
        let isFirstGeneration = format == .mistralV1 || format == .mistralV1Plain
        let outer = format == .mistralV1 ? " " : ""
        let inner = format == .mistralTekken ? "" : " "
        let closing = isFirstGeneration ? " " : ""
        let answer = format == .mistralV1 || format == .mistralV3 ? " " : ""
        let systemTurn = isFirstGeneration ? 0 : conversation.turns.lastIndex { $0.role == .user }
        var pieces: [ChatPiece] = []
        for (number, turn) in conversation.turns.enumerated() {
            if turn.role == .assistant {
                pieces += [.text(answer + turn.content), .eos]
                continue
            }
            let system = number == systemTurn ? conversation.system.map { $0 + "\n\n" } ?? "" : ""
            if !outer.isEmpty { pieces.append(.text(outer)) }
            pieces += [.special("[INST]"), .text(inner + system + turn.content + closing), .special("[/INST]")]
        }
        return pieces
    }

    private func plain(_ turns: [Turn], _ addGenerationPrompt: Bool) -> [ChatPiece] {
        var text = ""
        for turn in turns {
            switch turn.role {
            case .system: text += text.isEmpty ? turn.content : "\n" + turn.content
            case .user: text += "\nUser: " + turn.content
            // An answer begins with its blank: it comes back as it was given.
            case .assistant: text += "\nAssistant:" + (turn.content.hasPrefix(" ") ? "" : " ") + turn.content
            }
        }
        return [.text(addGenerationPrompt ? text + "\nAssistant:" : text)]
    }

    /// System messages joined, and the other turns; they must alternate.
    private func split(_ turns: [Turn]) throws(ChatTemplateError) -> (system: String?, turns: [Turn]) {
        let rest = turns.drop { $0.role == .system }
        if let late = rest.firstIndex(where: { $0.role == .system }) { throw .systemNotFirst(message: late) }
        for number in rest.indices {
            let wanted: Role = (number - rest.startIndex).isMultiple(of: 2) ? .user : .assistant
            guard rest[number].role == wanted else { throw .rolesMustAlternate(message: number) }
        }
        guard !rest.isEmpty else { throw .rolesMustAlternate(message: turns.count) }
        let system = turns[..<rest.startIndex].map(\.content).joined(separator: "\n\n")
        return (rest.startIndex == 0 ? nil : system, Array(rest))
    }

    /// The turns with the system message put in front of the first user message.
    private func folded(_ turns: [Turn], separator: String) throws(ChatTemplateError) -> [Turn] {
        let (system, rest) = try split(turns)
        guard let system else { return rest }
        var turns = rest
        turns[0].content = system.trimmed + separator + turns[0].content
        return turns
    }
}

extension String {
    /// Without white space at both ends.
    fileprivate var trimmed: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}
