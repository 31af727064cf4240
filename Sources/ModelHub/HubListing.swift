internal import JSON

/// A file in a repository, with the name that its content has.
struct HubFile: Sendable, Equatable {
    /// Path in the repository; safe to append to a folder.
    let path: String
    let byteCount: Int
    let digest: ContentDigest
}

/// The files of one commit, as `/api/models/OWNER/NAME/revision/REVISION?blobs=true` lists them.
struct HubListing: Sendable, Equatable {
    let commit: String
    /// Files with names that cannot be kept safely are left out.
    let files: [HubFile]

    /// Bytes of the longest list that is read.
    static let mostBytes = 64 << 20

    /// Throws `badListing`.
    init(_ body: [UInt8], repository: String) throws(HubError) {
        func bad(_ reason: String) -> HubError { .badListing(repository: repository, reason: reason) }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: body, limits: JSONLimits(maxBytes: Self.mostBytes, maxDepth: 32))
        } catch {
            throw bad("\(error)")
        }
        guard let object = value.asObject else { throw bad("it is \(value.typeName), not an object") }
        guard let commit = object["sha"]?.asString, ContentDigest.isHexadecimal(commit, digits: 40) else {
            throw bad("sha is no commit")
        }
        guard let siblings = object["siblings"]?.asArray else { throw bad("siblings is no list") }
        var files: [HubFile] = []
        for (index, sibling) in siblings.enumerated() {
            guard let path = sibling.asObject?["rfilename"]?.asString else {
                throw bad("siblings[\(index)].rfilename is missing")
            }
            guard HubReference.isPath(path) else { continue }
            guard let file = Self.file(path, sibling.asObject ?? JSONObject()) else {
                throw bad("siblings[\(index)] (\(path)) has no size or checksum")
            }
            files.append(file)
        }
        (self.commit, self.files) = (commit, files)
    }

    /// Large files have `lfs.sha256`, small ones the name of their git blob.
    private static func file(_ path: String, _ fields: JSONObject) -> HubFile? {
        let lfs = fields["lfs"]?.asObject
        guard let size = (lfs?["size"] ?? fields["size"])?.asInt, size >= 0 else { return nil }
        if let digest = (lfs?["sha256"]?.asString).flatMap(ContentDigest.init(sha256:)) {
            return HubFile(path: path, byteCount: size, digest: digest)
        }
        guard let digest = (fields["blobId"]?.asString).flatMap(ContentDigest.init(gitBlob:)) else { return nil }
        return HubFile(path: path, byteCount: size, digest: digest)
    }
}
