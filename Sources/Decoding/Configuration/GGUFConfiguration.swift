internal import Kernels
internal import ModelFiles

/// Typed reads of a GGUF file's metadata under its architecture's prefix.
struct GGUFConfiguration {
    private let file: GGUFFile
    private let architecture: String

    init(file: GGUFFile, architecture: String) {
        self.file = file
        self.architecture = architecture
    }

    private func key(_ name: String) -> String { "\(architecture).\(name)" }

    /// A positive integer below 2^31.
    func count(_ name: String, default fallback: Int? = nil) throws -> Int {
        if let fallback, file.metadata[key(name)] == nil { return fallback }
        let count = try file.metadata.uint(key(name))
        guard count > 0, count < 1 << 31 else {
            throw ModelError.wrongField(
                file: file.path, field: key(name), found: "\(count)", wanted: "an integer between 1 and 2^31 - 1")
        }
        return count
    }

    /// A finite positive number.
    func number(_ name: String, default fallback: Float? = nil) throws -> Float {
        if let fallback, file.metadata[key(name)] == nil { return fallback }
        let number = try file.metadata.float(key(name))
        guard number.isFinite, number > 0 else {
            throw ModelError.wrongField(
                file: file.path, field: key(name), found: "\(number)", wanted: "a positive number")
        }
        return Float(number)
    }

    /// The field, where present, is one of these; anything else is arithmetic that is not there.
    func require(_ name: String, oneOf allowed: [String], default fallback: String) throws {
        let found = try file.metadata.stringIfPresent(key(name)) ?? fallback
        guard !allowed.contains(found) else { return }
        throw ModelError.unsupported(
            file: file.path, field: key(name), found: found, wanted: allowed.joined(separator: ", "))
    }

    /// The number, where present, is 0.
    func requireZero(_ name: String, meaning: String) throws {
        let isZero: Bool =
            switch file.metadata[key(name)] {
            case nil: true
            case .float(let number): number == 0
            case .some(let value): value.integer == 0
            }
        guard isZero else {
            throw ModelError.unsupported(file: file.path, field: key(name), found: meaning, wanted: "0")
        }
    }

    /// The model's tensors.
    var tensors: TensorDirectory { file.tensors }

    func has(_ name: String) -> Bool { file.metadata[key(name)] != nil }

    /// A positive integer below 2^31; nil where the field is absent or 0.
    func countIfSet(_ name: String) throws -> Int? {
        guard has(name), file.metadata[key(name)]?.integer != 0 else { return nil }
        return try count(name)
    }

    /// A finite positive number; nil where the field is absent or 0.
    func numberIfSet(_ name: String) throws -> Float? {
        guard has(name), try file.metadata.float(key(name)) != 0 else { return nil }
        return try number(name)
    }

    func text(_ name: String, default fallback: String) throws -> String {
        try file.metadata.stringIfPresent(key(name)) ?? fallback
    }

    func flag(_ name: String, default fallback: Bool) throws -> Bool {
        guard let value = file.metadata[key(name)] else { return fallback }
        guard case .bool(let flag) = value else {
            throw ModelError.wrongField(file: file.path, field: key(name), found: "\(value)", wanted: "true or false")
        }
        return flag
    }

    /// A tensor's elements; nil where there is no such tensor.
    func numbers(ofTensor name: String) throws -> [Double]? {
        guard tensors.info(named: name) != nil else { return nil }
        return try tensors.tensor(named: name).floats().map(Double.init)
    }

    func unsupported(_ name: String, found: String, wanted: String) -> ModelError {
        .unsupported(file: file.path, field: key(name), found: found, wanted: wanted)
    }

    /// `vocab_size`, or the number of tokens.
    func vocabularySize() throws -> Int {
        if file.metadata[key("vocab_size")] != nil { return try count("vocab_size") }
        guard case .array(let tokens) = file.metadata["tokenizer.ggml.tokens"] else {
            throw ModelError.missingField(file: file.path, field: key("vocab_size"))
        }
        return tokens.count
    }
}
