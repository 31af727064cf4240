/// Which files of a repository make a model, and which of them is the path to open.
struct FileSelection: Sendable, Equatable {
    let files: [HubFile]
    /// The GGUF file to open (the first of its parts); nil opens the folder.
    let entry: String?

    /// Types that are taken, best first, where a repository has several GGUF files and the user names none: what
    /// llama.cpp takes too.
    private static let preferredTypes = ["Q4_K_M", "Q4_K", "Q8_0", "Q4_0"]
    private static let companions: Set<String> = [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja",
        "chat_template.json", "model.safetensors.index.json",
    ]

    /// Throws `noSuchFile` and `noModel`.
    init(_ listing: HubListing, _ reference: HubReference) throws(HubError) {
        let available = listing.files.filter { $0.path.hasSuffix(".gguf") }
        if let name = reference.file {
            let entry = try Self.entry(named: name, of: available, in: listing, reference)
            self.init(files: Self.parts(of: entry, in: available), entry: entry)
            return
        }
        let weights = listing.files.filter { $0.path.hasSuffix(".safetensors") && !$0.path.contains("/") }
        if !weights.isEmpty, listing.files.contains(where: { $0.path == "config.json" }) {
            self.init(
                files: Self.weights(weights) + listing.files.filter { Self.companions.contains($0.path) }, entry: nil)
            return
        }
        guard let entry = Self.preferred(Self.entries(available)) else {
            throw .noModel(repository: reference.repository, available: listing.files.map(\.path))
        }
        self.init(files: Self.parts(of: entry, in: available), entry: entry)
    }

    private init(files: [HubFile], entry: String?) {
        (self.files, self.entry) = (files, entry)
    }

    /// `model*.safetensors` where they exist: some repositories keep a second copy under another name.
    private static func weights(_ files: [HubFile]) -> [HubFile] {
        let own = files.filter { $0.path.hasPrefix("model") }
        return own.isEmpty ? files : own
    }

    private static func entry(
        named name: String, of available: [HubFile], in listing: HubListing, _ reference: HubReference
    ) throws(HubError) -> String {
        if available.contains(where: { $0.path == name }) { return entries(available, containing: name).first ?? name }
        let found = entries(available).filter { isTagged($0, name.lowercased()) }
        guard found.count == 1 else {
            throw .noSuchFile(
                repository: reference.repository, name: name,
                available: (found.isEmpty ? entries(available) : found))
        }
        return found[0]
    }

    /// `tag` stands in the file's name, not as a part of a longer word: Q4_K is not in Q4_K_M.
    private static func isTagged(_ path: String, _ tag: String) -> Bool {
        let name = path.lowercased()
        var start = name.startIndex
        while let range = name[start...].firstRange(of: tag) {
            let before = range.lowerBound == name.startIndex ? nil : name[name.index(before: range.lowerBound)]
            let after = range.upperBound == name.endIndex ? nil : name[range.upperBound]
            if !isWord(before), !isWord(after) { return true }
            start = range.upperBound
        }
        return false
    }

    private static func isWord(_ character: Character?) -> Bool {
        guard let character else { return false }
        return character.isLetter || character.isNumber || character == "_"
    }

    private static func preferred(_ entries: [String]) -> String? {
        for type in preferredTypes {
            if let entry = entries.first(where: { isTagged($0, type.lowercased()) }) { return entry }
        }
        return entries.first
    }

    /// Files to open: whole ones, and of split ones the first part. Files for images beside a model are none.
    private static func entries(_ files: [HubFile], containing name: String? = nil) -> [String] {
        files.map(\.path).filter { path in
            guard !path.lowercased().contains("mmproj") || name != nil else { return false }
            guard let part = SplitName(path) else { return name == nil || path == name }
            return part.number == 1 && (name.map { SplitName($0)?.stem == part.stem } ?? true)
        }.sorted()
    }

    /// `entry` with the other parts of the same split.
    private static func parts(of entry: String, in files: [HubFile]) -> [HubFile] {
        guard let split = SplitName(entry) else { return files.filter { $0.path == entry } }
        return files.filter { SplitName($0.path).map { $0.stem == split.stem && $0.count == split.count } ?? false }
    }
}

/// `STEM-00002-of-00005.gguf`.
private struct SplitName {
    let stem: String
    let number: Int
    let count: Int

    init?(_ path: String) {
        guard path.hasSuffix(".gguf") else { return nil }
        let parts = path.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[parts.count - 2] == "of", let count = Self.number(parts[parts.count - 1]),
            let number = Self.number(parts[parts.count - 3])
        else { return nil }
        stem = parts.dropLast(3).joined(separator: "-")
        (self.number, self.count) = (number, count)
    }

    private static func number(_ text: Substring) -> Int? {
        text.count == 5 && text.allSatisfy(\.isNumber) ? Int(text) : nil
    }
}
