internal import JSON

/// Typed reads of config.json. A value of null counts as absent.
struct HuggingFaceConfiguration {
    /// Path of the file, for errors.
    let file: String
    private let fields: JSONObject
    private let prefix: String

    init(file: String, fields: JSONObject, prefix: String = "") {
        self.file = file
        self.fields = fields
        self.prefix = prefix
    }

    private func value(_ name: String) -> JSONValue? {
        guard let value = fields[name], !value.isNull else { return nil }
        return value
    }

    private func shown(_ value: JSONValue) -> String {
        String(decoding: value.serialized().prefix(80), as: UTF8.self)
    }

    private func wrong(_ name: String, _ value: JSONValue, wanted: String) -> ModelError {
        .wrongField(file: file, field: prefix + name, found: shown(value), wanted: wanted)
    }

    /// A positive integer below 2^31.
    func count(_ name: String, default fallback: Int? = nil) throws(ModelError) -> Int {
        guard let value = value(name) else {
            guard let fallback else { throw .missingField(file: file, field: prefix + name) }
            return fallback
        }
        guard let count = value.asInt, count > 0, count < 1 << 31 else {
            throw wrong(name, value, wanted: "an integer between 1 and 2^31 - 1")
        }
        return count
    }

    /// A finite positive number.
    func number(_ name: String, default fallback: Float? = nil) throws(ModelError) -> Float {
        guard let value = value(name) else {
            guard let fallback else { throw .missingField(file: file, field: prefix + name) }
            return fallback
        }
        guard let number = value.asDouble, number.isFinite, number > 0 else {
            throw wrong(name, value, wanted: "a positive number")
        }
        return Float(number)
    }

    func object(_ name: String) throws(ModelError) -> HuggingFaceConfiguration {
        guard let value = value(name) else { throw .missingField(file: file, field: prefix + name) }
        guard let object = value.asObject else { throw wrong(name, value, wanted: "an object") }
        return HuggingFaceConfiguration(file: file, fields: object, prefix: prefix + name + ".")
    }

    /// The field, where present, has this value; anything else is arithmetic that is not there.
    func require(_ name: String, is wanted: Bool) throws(ModelError) {
        guard let value = value(name), value.asBool != wanted else { return }
        throw .unsupported(file: file, field: prefix + name, found: shown(value), wanted: "\(wanted)")
    }

    func require(_ name: String, oneOf allowed: [String], default fallback: String) throws(ModelError) {
        let found = value(name)?.asString ?? fallback
        guard !allowed.contains(found) else { return }
        throw .unsupported(file: file, field: prefix + name, found: found, wanted: allowed.joined(separator: ", "))
    }

    func requireNull(_ name: String) throws(ModelError) {
        guard let value = value(name) else { return }
        throw .unsupported(file: file, field: prefix + name, found: shown(value), wanted: "null")
    }

    /// Null, or an object whose kind (as `kind` finds it) has the one harmless name.
    func requireNull(
        _ name: String, unless kind: (JSONObject) -> JSONValue?, is harmless: String
    ) throws(ModelError) {
        guard let value = value(name) else { return }
        if let object = value.asObject, kind(object)?.asString == harmless { return }
        throw .unsupported(file: file, field: prefix + name, found: shown(value), wanted: "null or \(harmless)")
    }

    /// `rope_parameters.rope_theta`, or `rope_theta`.
    func ropeTheta(default fallback: Float) throws(ModelError) -> Double {
        guard value("rope_parameters") != nil else { return Double(try number("rope_theta", default: fallback)) }
        let parameters = try object("rope_parameters")
        try parameters.require("rope_type", oneOf: ["default"], default: "default")
        return Double(try parameters.number("rope_theta", default: try number("rope_theta", default: fallback)))
    }

    /// An activation's name in transformers.
    func gelu(_ name: String, default fallback: String) throws(ModelError) -> ModelConfiguration.Activation {
        let found = value(name)?.asString ?? fallback
        switch found {
        case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
        case "gelu": return .geluErf
        default:
            throw .unsupported(
                file: file, field: prefix + name, found: found, wanted: "gelu, gelu_new, gelu_pytorch_tanh, gelu_fast")
        }
    }
}
