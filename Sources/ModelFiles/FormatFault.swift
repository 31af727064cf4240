/// A rule of the file format that a field breaks. Values found in the file stand beside what is allowed.
public enum FormatFault: Error, Equatable, Sendable, CustomStringConvertible {
    case truncated(needed: UInt64, remaining: Int)
    case tooMany(count: UInt64, allowed: Int)
    case tooLong(length: UInt64, limit: Int)
    case notUTF8
    case duplicateName(String)
    case unknownValueType(UInt32)
    case nestedTooDeep(limit: Int)
    case notABool(UInt8)
    case tooManyDimensions(found: UInt32, limit: Int)
    case emptyDimension(shape: [UInt64])
    case sizeOverflow(shape: [UInt64])
    case partialBlock(rowLength: Int, blockElements: Int, type: String)
    case misaligned(offset: UInt64, alignment: Int)
    case outsideData(offset: UInt64, byteCount: Int, dataBytes: Int)
    case overlaps(other: String)
    case unusedBytes(Range<Int>)
    case sizeMismatch(shape: [Int], type: String, expected: Int, found: Int)
    case invalidJSON(String)
    case wrongJSON(found: String, expected: String)
    case notAFileName(String)

    public var description: String {
        switch self {
        case .truncated(let needed, let remaining): "needs \(needed) bytes, but the file has \(remaining) left"
        case .tooMany(let count, let allowed):
            "says \(count) entries, but the rest of the file holds \(allowed) at most"
        case .tooLong(let length, let limit): "is \(length) bytes long; \(limit) are allowed"
        case .notUTF8: "is not valid UTF-8"
        case .duplicateName(let name): "the name \(quoted(name)) is used twice; names must differ"
        case .unknownValueType(let type): "unknown value type \(type); types 0 to 12 are allowed"
        case .nestedTooDeep(let limit): "arrays are nested deeper than \(limit) levels"
        case .notABool(let byte): "the boolean has the value \(byte); 0 and 1 are allowed"
        case .tooManyDimensions(let found, let limit): "has \(found) dimensions; \(limit) are allowed"
        case .emptyDimension(let shape): "shape \(shape) has a dimension of 0; each must be at least 1"
        case .sizeOverflow(let shape): "shape \(shape) is larger than any file can be"
        case .partialBlock(let rowLength, let blockElements, let type):
            "rows of \(rowLength) elements do not fill the blocks of \(blockElements) that \(type) needs"
        case .misaligned(let offset, let alignment):
            "data offset \(offset) is not a multiple of the alignment \(alignment)"
        case .outsideData(let offset, let byteCount, let dataBytes):
            "\(byteCount) bytes at data offset \(offset) do not lie inside the file's \(dataBytes) bytes of data"
        case .overlaps(let other): "its data overlaps that of tensor \(quoted(other))"
        case .unusedBytes(let range):
            "bytes \(range.lowerBound) to \(range.upperBound) of the data belong to no tensor; "
                + "tensors must fill the data"
        case .sizeMismatch(let shape, let type, let expected, let found):
            "shape \(shape) of \(type) is \(expected) bytes, but data_offsets span \(found)"
        case .invalidJSON(let reason): "is not valid JSON: \(reason)"
        case .wrongJSON(let found, let expected): "found \(found), expected \(expected)"
        case .notAFileName(let name):
            "\(quoted(name)) is not the plain name of a file in the same folder"
        }
    }
}
