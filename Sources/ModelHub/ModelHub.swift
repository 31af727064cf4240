/// Models by name: fetched from a hub that speaks Hugging Face's calls into a local cache, and found there next time.
///
/// Interrupted downloads go on where they stopped. Every file is checked against the hub's checksum before it gets its
/// name, so a file in the cache is whole.
public struct ModelHub: Sendable {
    /// What goes on, for a line on the terminal.
    public enum Progress: Sendable, Equatable {
        /// Bytes of all files that are here, and of all files.
        case fetching(file: String, bytes: Int, of: Int)
        case checking(file: String, bytes: Int, of: Int)
        /// The hub cannot be reached; what an earlier fetch left is used.
        case usingCache(reason: String)
    }

    public let settings: HubSettings

    public init(_ settings: HubSettings) { self.settings = settings }

    /// The path to open: a GGUF file, or a folder. Fetches what the cache lacks.
    public func path(of reference: HubReference, progress: (Progress) -> Void = { _ in }) throws(HubError) -> String {
        let cache = HubCache(settings, reference)
        let remembered = cache.remembered(reference)
        if settings.isOffline {
            guard let remembered else { throw .notCached(repository: reference.repository, folder: cache.folder) }
            return remembered
        }
        let listing: HubListing
        do {
            listing = try self.listing(reference)
        } catch .unreachable(_, let reason) where remembered != nil {
            progress(.usingCache(reason: reason))
            return remembered ?? ""
        }
        let selection = try FileSelection(listing, reference)
        try cache.prepare()
        try fetch(selection.files, listing, reference, cache, progress)
        let folder = cache.snapshot(listing.commit)
        let path = selection.entry.map { "\(folder)/\($0)" } ?? folder
        try cache.remember(path, files: selection.files, commit: listing.commit, for: reference)
        return path
    }

    private func listing(_ reference: HubReference) throws(HubError) -> HubListing {
        let address =
            "\(settings.endpoint)/api/models/\(reference.repository)/revision/"
            + "\(reference.revision.replacing("/", with: "%2F"))?blobs=true"
        let body: [UInt8]
        do throws(Transfer.Failure) {
            body = try Transfer(address: address, token: settings.token).bytes(limit: HubListing.mostBytes)
        } catch {
            throw hubError(error, what: "the list of files of \(reference.repository)", reference)
        }
        return try HubListing(body, repository: reference.repository)
    }

    private func fetch(
        _ files: [HubFile], _ listing: HubListing, _ reference: HubReference, _ cache: HubCache,
        _ progress: (Progress) -> Void
    ) throws(HubError) {
        let total = files.reduce(0) { $0 + $1.byteCount }
        var done = 0
        for file in files {
            if !cache.hasBlob(file) {
                try FileCalls.withLock(cache.folder) { () throws(HubError) in
                    // Another process may have fetched it meanwhile.
                    if cache.hasBlob(file) { return }
                    try fetch(file, listing.commit, reference, cache) { progress($0.shifted(by: done, of: total)) }
                }
            }
            try cache.link(file, commit: listing.commit)
            done += file.byteCount
        }
    }

    private func fetch(
        _ file: HubFile, _ commit: String, _ reference: HubReference, _ cache: HubCache,
        _ progress: (Progress) -> Void
    ) throws(HubError) {
        let part = cache.unfinished(file)
        try complete(part, file, commit, reference, progress)
        let found = try file.digest.ofFile(part) {
            progress(.checking(file: file.path, bytes: $0, of: file.byteCount))
        }
        guard found == file.digest.text, HubCache.size(part) == file.byteCount else {
            FileCalls.remove(part)
            throw .checksum(file: file.path, expected: file.digest.text, found: found)
        }
        try FileCalls.rename(part, to: cache.blob(file))
    }

    /// Brings `part` to its whole size: from where it ends, or from the start where the server cannot go on.
    private func complete(
        _ part: String, _ file: HubFile, _ commit: String, _ reference: HubReference, _ progress: (Progress) -> Void
    ) throws(HubError) {
        let transfer = Transfer(
            address: "\(settings.endpoint)/\(reference.repository)/resolve/\(commit)/\(file.path)",
            token: settings.token)
        func advance(_ bytes: Int) { progress(.fetching(file: file.path, bytes: bytes, of: file.byteCount)) }
        var mayResume = true
        while true {
            let there = HubCache.size(part) ?? 0
            if there == file.byteCount, there > 0 { return }
            do throws(Transfer.Failure) {
                try transfer.append(to: part, from: mayResume && there < file.byteCount ? there : 0, progress: advance)
                // Without a length in its head, an answer that breaks off looks whole.
                guard mayResume, let size = HubCache.size(part), size > there, size < file.byteCount else {
                    return
                }
            } catch .noResumption where mayResume {
                mayResume = false
            } catch .other where mayResume && (HubCache.size(part) ?? 0) > there {
                // The connection broke, but it had been worth something.
            } catch .output(let reason) {
                throw .cache(path: part, reason: "it cannot be written: \(reason)")
            } catch {
                throw hubError(error, what: "\(reference.repository)/\(file.path)", reference)
            }
        }
    }

    private func hubError(_ failure: Transfer.Failure, what: String, _ reference: HubReference) -> HubError {
        switch failure {
        case .status(404): .notFound(repository: reference.repository, revision: reference.revision)
        case .status(401), .status(403):
            .forbidden(repository: reference.repository, hasToken: settings.token != nil)
        case .status(let code): .unreachable(what: what, reason: "the hub answered with status \(code)")
        case .noResumption: .unreachable(what: what, reason: "the hub cannot go on in the middle of a file")
        case .other(let text), .output(let text): .unreachable(what: what, reason: text)
        case .noCurl(let reason): .noCurl(reason: reason)
        }
    }
}

extension ModelHub.Progress {
    /// The same within all files of a model, of which `done` bytes came before.
    fileprivate func shifted(by done: Int, of total: Int) -> Self {
        switch self {
        case .fetching(let file, let bytes, _): .fetching(file: file, bytes: done + bytes, of: total)
        case .checking(let file, let bytes, _): .checking(file: file, bytes: done + bytes, of: total)
        case .usingCache: self
        }
    }
}
