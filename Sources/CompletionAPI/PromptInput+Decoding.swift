internal import JSON

extension PromptInput {
    /// The four shapes: a string, strings, token ids, arrays of token ids. Also says whether the prompts were an array.
    static func decode(_ reader: inout FieldReader) throws(APIError) -> ([PromptInput], isArray: Bool) {
        let shapes = "a string, an array of strings, an array of token ids, or an array of arrays of token ids"
        guard let value = reader.value("prompt") else { throw .missing("prompt", shapes) }
        if let text = value.asString { return ([try text.nonEmpty(path: "prompt")], false) }
        guard let elements = value.asArray else { throw .invalidType("prompt", expected: shapes, given: value) }
        guard let first = elements.first else {
            throw .invalidRequest("prompt must not be empty.", param: "prompt", code: "invalid_value")
        }
        if case .integer = first { return ([.tokens(try tokens(elements, path: "prompt"))], false) }
        var prompts: [PromptInput] = []
        prompts.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            prompts.append(try prompt(element, isText: first.asString != nil, path: "prompt[\(index)]"))
        }
        return (prompts, true)
    }

    /// One element; all elements must have the type of the first.
    private static func prompt(_ value: JSONValue, isText: Bool, path: String) throws(APIError) -> PromptInput {
        switch value {
        case .string(let text) where isText: return try text.nonEmpty(path: path)
        case .array(let elements) where !isText:
            guard !elements.isEmpty else {
                throw .invalidRequest("\(path) must not be empty.", param: path, code: "invalid_value")
            }
            return .tokens(try tokens(elements, path: path))
        default:
            let expected = isText ? "a string like prompt[0]" : "a string, a token id or an array of token ids"
            throw .invalidType(path, expected: expected, given: value)
        }
    }

    private static func tokens(_ elements: [JSONValue], path: String) throws(APIError) -> [Int] {
        var tokens: [Int] = []
        tokens.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            // The path is built only for the element at fault: prompts may have many thousands of ids.
            guard let token = element.asInt, (0...RequestBounds.tokenID).contains(token) else {
                let range = 0...RequestBounds.tokenID
                tokens.append(try FieldReader.integer(element, in: range, path: "\(path)[\(index)]"))
                continue
            }
            tokens.append(token)
        }
        return tokens
    }
}

extension String {
    fileprivate func nonEmpty(path: String) throws(APIError) -> PromptInput {
        guard !isEmpty else {
            throw .invalidRequest("\(path) must not be empty.", param: path, code: "invalid_value")
        }
        return .text(self)
    }
}
