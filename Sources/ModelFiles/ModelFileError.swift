internal import Tensors

/// Why a model could not be opened or lacks what was asked of it. Each description names the file, the field or
/// tensor, the byte offset where there is one, what is wrong and what is allowed.
public enum ModelFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file or folder cannot be read at all.
    case unreadable(file: String, reason: String)
    /// The path leads to nothing that holds a model.
    case notAModel(path: String, found: String)
    /// A GGUF file written for big-endian machines.
    case bigEndian(file: String)
    /// A GGUF version other than 2 and 3.
    case unsupportedVersion(file: String, version: UInt32)
    /// A part of a GGUF model that was split over several files is not there.
    case missingPart(file: String, number: Int, count: Int)
    /// A part of such a model says something else than its name.
    case badPart(file: String, found: String)
    /// `field`, which starts at byte `offset`, breaks a rule of the format.
    case damaged(file: String, field: String, offset: Int, fault: FormatFault)
    /// Metadata without a key that the model needs.
    case missingKey(file: String, key: String)
    /// A metadata value of another type, or outside the range that its reader allows.
    case wrongValue(file: String, key: String, offset: Int, found: String, wanted: String)
    /// No tensor has the name.
    case missingTensor(file: String, name: String)
    /// The tensor is there, in an element type that cannot be computed with.
    case unsupportedTensorType(file: String, name: String, offset: Int, type: String)
    /// The tensor has another shape than the configuration says.
    case wrongShape(file: String, name: String, offset: Int, found: [Int], wanted: [Int])
    /// Two shards of one model hold a tensor of the same name.
    case tensorInTwoFiles(name: String, first: String, second: String)

    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): \(reason)"
        case .notAModel(let path, let found):
            "\(path): \(found); expected a .gguf file, a folder with config.json and model.safetensors "
                + "(or model.safetensors.index.json and its shards), or a folder with exactly one .gguf file"
        case .bigEndian(let file):
            "\(file): version at byte 4: this is a big-endian GGUF file; "
                + "only little-endian files can be read, convert it again"
        case .unsupportedVersion(let file, let version):
            "\(file): version at byte 4: GGUF version \(version) is not supported; versions 2 and 3 are"
        case .missingPart(let file, let number, let count):
            "\(file): part \(number) of the \(count) that the model is split into is missing; put it beside the others"
        case .badPart(let file, let found): "\(file): the file \(found)"
        case .damaged(let file, let field, let offset, let fault): "\(file): \(field) at byte \(offset): \(fault)"
        case .missingKey(let file, let key): "\(file): the metadata key \(quoted(key)) is missing"
        case .wrongValue(let file, let key, let offset, let found, let wanted):
            "\(file): metadata key \(quoted(key)) at byte \(offset): found \(found), expected \(wanted)"
        case .missingTensor(let file, let name): "\(file): there is no tensor \(quoted(name))"
        case .unsupportedTensorType(let file, let name, let offset, let type):
            "\(file): tensor \(quoted(name)) at byte \(offset): type \(type) is not supported; "
                + DType.allCases.map(\.name).joined(separator: ", ") + " are"
        case .wrongShape(let file, let name, let offset, let found, let wanted):
            "\(file): tensor \(quoted(name)) at byte \(offset): shape \(found) does not match "
                + "the configuration, which wants \(wanted)"
        case .tensorInTwoFiles(let name, let first, let second):
            "\(second): tensor \(quoted(name)) is also in \(first); each tensor must be in one file"
        }
    }
}

/// A name from a file, made fit for a message: escaped, and cut after 100 Unicode scalars.
func quoted(_ name: String) -> String {
    let head = name.unicodeScalars.prefix(100)
    return String(head).debugDescription + (head.endIndex < name.endIndex ? "…" : "")
}
