internal import Tensors

/// The metadata of a GGUF file: keys in file order, with typed access whose errors name the file, the key and the
/// offset.
public struct GGUFMetadata: Sendable {
    /// One key with its value; `range` is where the value lies in the file.
    struct Entry: Sendable {
        let key: String
        let type: GGUFValueType
        let value: GGUFValue
        let range: Range<Int>

        var offset: Int { range.lowerBound }
    }

    /// The path of the file, for errors.
    public var file: String { mapping.path }
    private let mapping: MappedFile
    private var entries: [Entry] = []
    private var indices: [String: Int] = [:]

    init(mapping: MappedFile) { self.mapping = mapping }

    /// Gives back the memory of the file's pages; what is read again comes from the file again.
    public func releasePages() { mapping.releasePages() }

    /// Adds an entry and returns true, or returns false where the key is taken.
    mutating func append(_ entry: Entry) -> Bool {
        guard indices.updateValue(entries.count, forKey: entry.key) == nil else { return false }
        entries.append(entry)
        return true
    }

    /// The keys, in file order.
    public var keys: [String] { entries.map(\.key) }

    public var count: Int { entries.count }

    /// The value of a key, or nil where there is none.
    public subscript(key: String) -> GGUFValue? { entry(key)?.value }

    /// The type that the file stores a key's value in.
    public func type(of key: String) -> GGUFValueType? { entry(key)?.type }

    /// The type and the bytes of a key's value as the file holds them.
    func storedValue(of key: String) -> (type: GGUFValueType, bytes: [UInt8])? {
        entry(key).map { ($0.type, mapping.copy($0.range)) }
    }

    private func entry(_ key: String) -> Entry? { indices[key].map { entries[$0] } }

    private func required(_ key: String) throws(ModelFileError) -> Entry {
        guard let entry = entry(key) else { throw .missingKey(file: file, key: key) }
        return entry
    }

    /// An error about a value that is there but is not what its reader wants. The key exists.
    func wrongValue(_ key: String, wanted: String) -> ModelFileError {
        entry(key).map { wrong($0, wanted: wanted) } ?? .missingKey(file: file, key: key)
    }

    private func wrong(_ entry: Entry, wanted: String, found: String? = nil) -> ModelFileError {
        .wrongValue(
            file: file, key: entry.key, offset: entry.offset, found: found ?? describe(entry), wanted: wanted)
    }

    private func describe(_ entry: Entry) -> String {
        switch entry.value {
        case .uint(let value): "\(entry.type) \(value)"
        case .int(let value): "\(entry.type) \(value)"
        case .float(let value): "\(entry.type) \(value)"
        case .bool(let value): "bool \(value)"
        case .string: "a string"
        case .array(let array): "an array of \(array.count) \(array.elementType)"
        }
    }
}

/// Each reader comes in two forms: the plain one throws where the key is missing, `…IfPresent` returns nil there.
/// Both throw where the value has another type.
extension GGUFMetadata {
    /// An integer of any width that is not negative.
    public func uint(_ key: String) throws(ModelFileError) -> Int {
        let entry = try required(key)
        guard let value = entry.value.integer, value >= 0 else { throw wrong(entry, wanted: "a non-negative integer") }
        return value
    }

    /// As `uint`, or nil where the key is missing.
    public func uintIfPresent(_ key: String) throws(ModelFileError) -> Int? {
        self[key] == nil ? nil : try uint(key)
    }

    /// A float of either width.
    public func float(_ key: String) throws(ModelFileError) -> Double {
        let entry = try required(key)
        guard case .float(let value) = entry.value else { throw wrong(entry, wanted: "a float") }
        return value
    }

    /// As `float`, or nil where the key is missing.
    public func floatIfPresent(_ key: String) throws(ModelFileError) -> Double? {
        self[key] == nil ? nil : try float(key)
    }

    public func bool(_ key: String) throws(ModelFileError) -> Bool {
        let entry = try required(key)
        guard case .bool(let value) = entry.value else { throw wrong(entry, wanted: "a bool") }
        return value
    }

    /// As `bool`, or nil where the key is missing.
    public func boolIfPresent(_ key: String) throws(ModelFileError) -> Bool? {
        self[key] == nil ? nil : try bool(key)
    }

    /// A string of valid UTF-8.
    public func string(_ key: String) throws(ModelFileError) -> String {
        let entry = try required(key)
        guard case .string(let value) = entry.value else { throw wrong(entry, wanted: "a string") }
        guard let text = value.text else {
            throw wrong(entry, wanted: "a string of UTF-8", found: "a string with other bytes")
        }
        return text
    }

    /// As `string`, or nil where the key is missing.
    public func stringIfPresent(_ key: String) throws(ModelFileError) -> String? {
        self[key] == nil ? nil : try string(key)
    }
}

/// Arrays, decoded from the file at each call.
extension GGUFMetadata {
    /// An array of strings as bytes, which need not be UTF-8.
    public func strings(_ key: String) throws(ModelFileError) -> [[UInt8]] {
        try array(key, of: "strings") { value in
            guard case .string(let string) = value else { return nil }
            return string.bytes
        }
    }

    /// As `strings`, or nil where the key is missing.
    public func stringsIfPresent(_ key: String) throws(ModelFileError) -> [[UInt8]]? {
        self[key] == nil ? nil : try strings(key)
    }

    /// An array of floats of either width; float64 values are rounded.
    public func floats(_ key: String) throws(ModelFileError) -> [Float] {
        try array(key, of: "floats") { value in
            guard case .float(let number) = value else { return nil }
            return Float(number)
        }
    }

    /// As `floats`, or nil where the key is missing.
    public func floatsIfPresent(_ key: String) throws(ModelFileError) -> [Float]? {
        self[key] == nil ? nil : try floats(key)
    }

    /// An array of integers of any type, each within Int32.
    public func int32s(_ key: String) throws(ModelFileError) -> [Int32] {
        try array(key, of: "integers that fit 32 bits") { value in value.integer.flatMap { Int32(exactly: $0) } }
    }

    /// As `int32s`, or nil where the key is missing.
    public func int32sIfPresent(_ key: String) throws(ModelFileError) -> [Int32]? {
        self[key] == nil ? nil : try int32s(key)
    }

    /// Decodes each element by `convert`, which returns nil for one of the wrong kind.
    private func array<Element>(
        _ key: String, of wanted: String, _ convert: (GGUFValue) -> Element?
    ) throws(ModelFileError) -> [Element] {
        let entry = try required(key)
        guard case .array(let array) = entry.value else { throw wrong(entry, wanted: "an array of \(wanted)") }
        var elements: [Element] = []
        elements.reserveCapacity(array.count)
        var reader = GGUFValueReader(cursor: ByteCursor(file: array.file, range: array.range))
        for index in 0..<array.count {
            let value = try reader.value(of: array.elementType, "metadata key \(quoted(key))[\(index)]", depth: 1)
            guard let element = convert(value) else {
                throw wrong(
                    entry, wanted: "an array of \(wanted)",
                    found: "an array of \(array.elementType) whose element \(index) is not one")
            }
            elements.append(element)
        }
        return elements
    }
}
