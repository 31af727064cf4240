internal import JSON

extension ResponseIdentity {
    /// The members around the choices, the same in whole answers and chunks. `usage` is left out where nil.
    func write(
        object: String, to writer: inout JSONWriter, choices: (inout JSONWriter) -> Void,
        usage: ((inout JSONWriter) -> Void)?
    ) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", object)
        writer.member("created", created)
        writer.member("model", model)
        writer.key("system_fingerprint")
        writer.stringOrNull(systemFingerprint)
        writer.key("choices")
        writer.beginArray()
        choices(&writer)
        writer.endArray()
        if let usage {
            writer.key("usage")
            usage(&writer)
        }
        writer.endObject()
    }
}
