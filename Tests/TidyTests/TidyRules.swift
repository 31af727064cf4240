/// The rules of the tree as functions from a file to findings, each `path:line: what is wrong`.
enum TidyRules {
    static let lineLimit = 120
    static let functionLimit = 60
    static let fileLimit = 500

    /// Modules in which `unsafe` code may stand, whole or as single files.
    static let unsafeModules: Set<String> = ["Tensors", "Kernels", "KVCaching", "JSON", "HTTPFront"]
    static let unsafeFiles: Set<String> = [
        // Bytes of mapped files, behind bounds checks.
        "Sources/ModelFiles/MappedFile+Reading.swift", "Sources/ModelFiles/FolderListing.swift",
        // Digests of libcrypto.
        "Sources/ModelHub/ContentDigest.swift", "Sources/Credentials/KeyDigest.swift",
        "Sources/SessionFiles/SHA256.swift",
        // System calls on files of sessions.
        "Sources/SessionFiles/FolderCalls.swift",
        // PCRE2.
        "Sources/Tokenization/RegularExpression.swift",
        // Calls of picohttpparser.
        "Sources/Benchmarking/HTTP/AnswerReader.swift",
        // System calls.
        "Sources/Benchmarking/HTTP/ClientSocket.swift",
        "Sources/ModelHub/FileCalls.swift", "Sources/Observability/SystemCalls.swift",
        "Sources/Serving/PosixThread.swift", "Sources/ServerApp/Process/ServiceNotifier.swift",
        "Sources/Serving/WakeSignal.swift", "Sources/ServerApp/Process/SignalWatch.swift",
        "Sources/ServerApp/Process/TerminalSize.swift",
    ]

    /// Modules without Foundation.
    static let foundationFree: Set<String> = [
        "Kernels", "KVCaching", "Decoding", "Scheduling", "Sampling", "JSON", "Generation", "Tensors", "Templates",
    ]

    static func findings(path: String, text: String) -> [String] {
        let source = SourceText(text)
        let isSwift = path.hasSuffix(".swift")
        var found = lengths(path: path, source: source, isSwift: isSwift)
        found += names(path: path)
        if isSwift { found += words(path: path, source: source) }
        return found
    }

    // MARK: Lengths

    private static func lengths(path: String, source: SourceText, isSwift: Bool) -> [String] {
        var found: [String] = []
        if source.lines.count > fileLimit + 1 {
            found.append("\(path): \(source.lines.count) lines, the limit is \(fileLimit)")
        }
        for (index, line) in source.lines.enumerated() {
            if line.count > lineLimit {
                found.append("\(path):\(index + 1): \(line.count) columns, the limit is \(lineLimit)")
            }
            if line.utf8.last == 32 || line.utf8.last == 9 {
                found.append("\(path):\(index + 1): blanks at the end of the line")
            }
        }
        for (start, length) in functions(source.code, isSwift: isSwift) where length > functionLimit {
            found.append("\(path):\(start + 1): function of \(length) lines, the limit is \(functionLimit)")
        }
        return found
    }

    /// First line and number of lines of each function body with its head.
    static func functions(_ code: [[UInt8]], isSwift: Bool) -> [(start: Int, length: Int)] {
        code.indices.compactMap { index in
            let line = code[index]
            guard
                isSwift
                    ? startsSwiftFunction(line)
                    : startsCFunction(line, next: index + 1 < code.count ? code[index + 1] : [])
            else {
                return nil
            }
            return bodyEnd(code, from: index).map { (index, $0 - index + 1) }
        }
    }

    private static func startsSwiftFunction(_ line: [UInt8]) -> Bool {
        let words = Self.words(of: line)
        return words.contains("func") || words.contains("deinit")
            || (words.contains("init")
                && (contains(line, "init(") || contains(line, "init<") || contains(line, "init?(")))
    }

    private static func startsCFunction(_ line: [UInt8], next: [UInt8]) -> Bool {
        guard let first = line.first, first != 32, first != 9, first != UInt8(ascii: "#"), contains(line, "(") else {
            return false
        }
        let last = line.last { $0 != 32 }
        return last == UInt8(ascii: "{") || (last == UInt8(ascii: ")") && next.first == UInt8(ascii: "{"))
    }

    /// The line of the brace that closes the first brace at or after `start`; nil for a declaration without body.
    private static func bodyEnd(_ code: [[UInt8]], from start: Int) -> Int? {
        var depth = 0
        var parentheses = 0
        for index in start..<code.count {
            if index > start, depth == 0, parentheses == 0, startsSwiftFunction(code[index]) { return nil }
            for byte in code[index] {
                switch byte {
                case UInt8(ascii: "("): parentheses += 1
                case UInt8(ascii: ")"): parentheses -= 1
                case UInt8(ascii: "{"): depth += 1
                case UInt8(ascii: "}"):
                    depth -= 1
                    if depth <= 0 { return depth == 0 ? index : nil }
                default: break
                }
            }
        }
        return nil
    }

    // MARK: Names and words

    private static func names(path: String) -> [String] {
        let file = path.split(separator: "/").last ?? ""
        return ["Utils", "Utilities", "Helper", "Manager", "Common", "Placeholder"].filter { file.contains($0) }
            .map { "\(path): '\($0)' in a name says nothing; name what it is" }
    }

    private static func words(path: String, source: SourceText) -> [String] {
        let parts = path.split(separator: "/").map(String.init)
        let module = parts.count > 1 && parts[0] == "Sources" ? parts[1] : nil
        let mayBeUnsafe = module == nil || unsafeModules.contains(module ?? "") || unsafeFiles.contains(path)
        var found: [String] = []
        for (index, line) in source.code.enumerated() {
            let words = Self.words(of: line)
            func report(_ text: String) { found.append("\(path):\(index + 1): \(text)") }
            if module != nil {
                if contains(line, "fatalError(") {
                    report("fatalError: throw, or state the broken promise with precondition")
                }
                if contains(line, "try!") { report("try!: handle the error") }
                if contains(line, "as!") { report("as!: use a checked cast") }
                if module != "keyhold", words.contains("print"), contains(line, "print(") {
                    report("print in a library")
                }
                if !mayBeUnsafe, words.contains("unsafe") { report("unsafe outside the modules that may hold it") }
            }
            if words.contains("import"), words.contains("Foundation"), foundationFree.contains(module ?? "") {
                report("Foundation in \(module ?? "")")
            }
            if contains(line, "@unchecked Sendable"), !hasProof(source.lines, near: index) {
                report("@unchecked Sendable without a comment 'Sendable: …' that proves it")
            }
        }
        for (index, line) in source.lines.enumerated() where path != "Tests/TidyTests/TidyRules.swift" {
            if line.contains("TODO") || line.contains("FIXME") {
                found.append("\(path):\(index + 1): an unfinished note; file it or do it")
            }
        }
        return found
    }

    private static func hasProof(_ lines: [Substring], near index: Int) -> Bool {
        lines[max(0, index - 4)...min(lines.count - 1, index + 4)].contains {
            $0.contains("Sendable:") && $0.contains("//")
        }
    }

    // MARK: Bytes

    private static func contains(_ line: [UInt8], _ text: String) -> Bool {
        let needle = Array(text.utf8)
        guard line.count >= needle.count else { return false }
        return (0...(line.count - needle.count)).contains { start in
            line[start] == needle[0] && line[start..<(start + needle.count)].elementsEqual(needle)
        }
    }

    private static func words(of line: [UInt8]) -> Set<String> {
        let isWord = { (byte: UInt8) in
            byte == 95 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        return Set(line.split { !isWord($0) }.map { String(decoding: $0, as: UTF8.self) })
    }
}
