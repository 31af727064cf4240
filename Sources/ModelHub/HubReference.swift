/// A model on a hub, as users write it: `hf:OWNER/NAME[@REVISION][:FILE]`.
///
/// FILE is a file's name in the repository, or a part of it that only one GGUF file (or the parts of one) has, such as
/// `Q4_K_M`, in either case of letters.
public struct HubReference: Sendable, Equatable {
    public static let prefix = "hf:"

    public let owner: String
    public let name: String
    /// Branch, tag or commit.
    public let revision: String
    public let file: String?

    /// `OWNER/NAME`.
    public var repository: String { "\(owner)/\(name)" }

    /// Whether `path` names a model of the hub rather than a file.
    public static func isReference(_ path: String) -> Bool { path.hasPrefix(prefix) }

    /// Throws `badReference`.
    public init(_ text: String) throws(HubError) {
        func bad(_ reason: String) -> HubError { .badReference(text: text, reason: reason) }
        guard Self.isReference(text) else { throw bad("it does not begin with hf:") }
        let body = text.dropFirst(Self.prefix.count)
        let parts = body.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let names = parts[0].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let path = names[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard path.count == 2 else { throw bad("\(names[0]) is not OWNER/NAME") }
        for part in path where !Self.isName(part) { throw bad("'\(part)' is no name of the hub") }
        let revision = names.count > 1 ? String(names[1]) : "main"
        guard Self.isPath(revision) else { throw bad("'\(revision)' is no revision") }
        let file = parts.count > 1 ? String(parts[1]) : nil
        if let file, !Self.isPath(file) { throw bad("'\(file)' is no file's name") }
        (owner, name, self.revision, self.file) = (path[0], path[1], revision, file)
    }

    /// Letters, digits, `-`, `_` and `.`, as the hub allows; not `.` or `..`.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 96 && text != "." && text != ".." && text.utf8.allSatisfy(isNameByte)
    }

    /// Names joined by `/`: safe to append to a folder's path and to an address.
    static func isPath(_ text: String) -> Bool {
        text.utf8.count <= 512
            && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty && part != "." && part != ".." && part.utf8.allSatisfy { isNameByte($0) || $0 == 0x2B }
            }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
