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

    /// Whether the field is there and not null.
    func has(_ name: String) -> Bool { value(name) != nil }

    /// A finite positive number, or nil where the field is absent.
    func numberIfPresent(_ name: String) throws(ModelError) -> Float? { has(name) ? try number(name) : nil }

    /// A positive integer below 2^31, or nil where the field is absent.
    func countIfPresent(_ name: String) throws(ModelError) -> Int? { has(name) ? try count(name) : nil }

    func flag(_ name: String, default fallback: Bool) throws(ModelError) -> Bool {
        guard let value = value(name) else { return fallback }
        guard let flag = value.asBool else { throw wrong(name, value, wanted: "true or false") }
        return flag
    }

    func textIfPresent(_ name: String) throws(ModelError) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.asString else { throw wrong(name, value, wanted: "a string") }
        return text
    }

    /// Finite numbers; nil where the field is absent.
    func numbersIfPresent(_ name: String) throws(ModelError) -> [Double]? {
        guard let value = value(name) else { return nil }
        let numbers = value.asArray?.compactMap(\.asDouble).filter(\.isFinite)
        guard let numbers, numbers.count == value.asArray?.count else {
            throw wrong(name, value, wanted: "a list of numbers")
        }
        return numbers
    }

    func textsIfPresent(_ name: String) throws(ModelError) -> [String]? {
        guard let value = value(name) else { return nil }
        let texts = value.asArray?.compactMap(\.asString)
        guard let texts, texts.count == value.asArray?.count else {
            throw wrong(name, value, wanted: "a list of strings")
        }
        return texts
    }

    /// The field asks for arithmetic that is not there.
    func unsupported(_ name: String, wanted: String) -> ModelError {
        .unsupported(file: file, field: prefix + name, found: value(name).map(shown) ?? "absent", wanted: wanted)
    }

    /// An activation's name in transformers.
    func activation(
        _ name: String, default fallback: String, isGated: Bool
    ) throws(ModelError) -> ModelConfiguration.Activation {
        let found = value(name)?.asString ?? fallback
        switch found {
        case "silu" where isGated, "swish" where isGated: return .silu
        case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
        case "gelu": return .geluErf
        default:
            throw .unsupported(
                file: file, field: prefix + name, found: found,
                wanted: (isGated ? "silu, " : "") + "gelu, gelu_new, gelu_pytorch_tanh, gelu_fast")
        }
    }
}
