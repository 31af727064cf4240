internal import JSON

/// Fields that ask for an answer of a certain form. Nobody here enforces one, so such a request is refused rather than
/// answered in any form.
enum AnswerConstraints {
    /// The names that llama-server and vLLM have for them beside `response_format`.
    private static let fields = [
        "grammar", "json_schema", "structured_outputs", "guided_json", "guided_regex", "guided_choice",
        "guided_grammar",
    ]

    static func refuse(_ reader: inout FieldReader) throws(APIError) {
        for key in fields {
            guard let value = reader.value(key), value != "" else { continue }
            throw .unsupported(key, "A constraint on the answer (\(key))")
        }
        guard var format = try reader.members("response_format") else { return }
        guard let type = try format.string("type") else {
            throw .missing("response_format.type", "the only format is \"text\"")
        }
        guard type == "text" else {
            throw .unsupported(
                "response_format.type", "The format \(FieldReader.excerpt(.string(type)))", allowed: "\"text\"")
        }
    }
}
