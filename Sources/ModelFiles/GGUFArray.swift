internal import Tensors

/// An array of GGUF metadata. It stays in the mapped file, checked once when the file was opened, and is decoded when
/// asked for, so that opening a model copies no vocabulary.
public struct GGUFArray: Sendable {
    public let elementType: GGUFValueType
    public let count: Int
    let file: MappedFile
    /// Where the elements lie in the file.
    let range: Range<Int>

    /// The elements, decoded one by one. `field` names the array in errors, which only a file changed since it was
    /// opened can cause.
    public func values(field: String = "array") throws(ModelFileError) -> [GGUFValue] {
        try map(field) { $0 }
    }

    /// The elements passed through `transform`.
    func map<Element>(_ field: String, _ transform: (GGUFValue) -> Element) throws(ModelFileError) -> [Element] {
        var reader = GGUFValueReader(cursor: ByteCursor(file: file, range: range))
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for index in 0..<count {
            elements.append(transform(try reader.value(of: elementType, "\(field)[\(index)]", depth: 1)))
        }
        return elements
    }
}

extension GGUFArray: Equatable {
    /// Equal in type, length and bytes.
    public static func == (left: GGUFArray, right: GGUFArray) -> Bool {
        left.elementType == right.elementType && left.count == right.count
            && left.file.copy(left.range) == right.file.copy(right.range)
    }
}
