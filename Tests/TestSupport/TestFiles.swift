internal import Glibc

/// Where tests find files that are not part of the test binary.
public enum TestFiles {
    /// The package's root folder.
    public static let packageRoot: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    /// Folder `Fixtures` of a test target.
    public static func fixtures(of target: String) -> String { "\(packageRoot)/Tests/\(target)/Fixtures" }

    /// Third-party models, vocabularies and prose: `KEYHOLD_SHARED`, or `../shared` beside the package; nil where
    /// neither exists.
    public static let shared: String? = {
        let folder = environment("KEYHOLD_SHARED") ?? "\(packageRoot)/../shared"
        return exists(folder) ? folder : nil
    }()

    /// The golden vectors: `KEYHOLD_GOLDEN`, or the copy among the fixtures.
    public static func golden(fixturesOf target: String) -> String {
        environment("KEYHOLD_GOLDEN") ?? "\(fixtures(of: target))/golden"
    }

    /// An environment variable, nil where it is unset or empty.
    public static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    public static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// A path under `shared`, or nil with a printed note that the test is skipped.
    public static func sharedFile(_ path: String, for test: String) -> String? {
        guard let shared, exists("\(shared)/\(path)") else {
            print("skipped \(test): no \(path) under KEYHOLD_SHARED or ../shared")
            return nil
        }
        return "\(shared)/\(path)"
    }

    /// All bytes of a file, nil where it cannot be read.
    public static func bytes(of path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while true {
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                count = unsafe max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            guard !chunk.isEmpty else { return bytes }
            bytes += chunk
        }
    }
}
