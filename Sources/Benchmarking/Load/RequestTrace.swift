internal import Foundation
internal import JSON

/// Requests as a trace recorded them: when each came, how long its prompt and its answer were.
public struct RequestTrace: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        /// Seconds since the trace's first request.
        public var time: Double
        public var promptTokens: Int
        public var newTokens: Int
        /// Identities of the prompt's blocks of `RequestTrace.blockTokens` tokens, where the trace names them: equal
        /// numbers are equal tokens.
        public var blocks: [Int] = []

        public init(time: Double, promptTokens: Int, newTokens: Int, blocks: [Int] = []) {
            self.time = time
            self.promptTokens = promptTokens
            self.newTokens = newTokens
            self.blocks = blocks
        }
    }

    /// Tokens of a block that Mooncake's traces name.
    static let blockTokens = 512

    /// Rising in time.
    public private(set) var entries: [Entry]
    /// Tokens of a block of `Entry.blocks`.
    private(set) var blockTokens = Self.blockTokens

    public init(_ entries: [Entry]) { self.entries = entries }

    /// Reads the text of a trace file: Azure's CSV (`TIMESTAMP,ContextTokens,GeneratedTokens`), or Mooncake's JSON
    /// lines (`timestamp` in milliseconds, `input_length`, `output_length`, `hash_ids`). Which one shows in the first
    /// byte. Requests without prompt or answer are left out: they ask for nothing.
    public init(parsing text: [UInt8], path: String) throws(BenchmarkError) {
        var entries: [Entry] = []
        let isJSON = text.first == UInt8(ascii: "{")
        let lines = text.split(separator: UInt8(ascii: "\n"))
        for (index, line) in lines.enumerated() where isJSON || index > 0 {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard let entry = isJSON ? Self.mooncake(line) : Self.azure(line) else {
                throw .badTrace(path: path, line: index + 1)
            }
            entries.append(entry)
        }
        entries.removeAll { $0.promptTokens == 0 || $0.newTokens == 0 }
        entries.sort { $0.time < $1.time }
        guard let start = entries.first?.time else { throw .badTrace(path: path, line: 1) }
        for index in entries.indices { entries[index].time -= start }
        self.entries = entries
    }

    /// The requests of the window from `skip` seconds on, `seconds` long, that then begin at 0.
    public func window(from skip: Double, seconds: Double) -> RequestTrace {
        var cut = self
        cut.entries = entries.filter { $0.time >= skip && $0.time < skip + seconds }
        for index in cut.entries.indices { cut.entries[index].time -= skip }
        return cut
    }

    /// The first `count` requests.
    public func first(_ count: Int) -> RequestTrace {
        var cut = self
        cut.entries = Array(entries.prefix(count))
        return cut
    }

    /// The trace `speed` times as fast, with prompts and answers of `lengths` times the tokens, but not of more than
    /// the limits, and of one at least.
    public func scaled(speed: Double, lengths: Double, maxPrompt: Int, maxNew: Int) -> RequestTrace {
        func scaled(_ tokens: Int, _ limit: Int) -> Int {
            min(limit, max(1, Int((Double(tokens) * lengths).rounded())))
        }
        var trace = self
        for index in trace.entries.indices {
            trace.entries[index].time /= speed
            trace.entries[index].promptTokens = scaled(entries[index].promptTokens, maxPrompt)
            trace.entries[index].newTokens = scaled(entries[index].newTokens, maxNew)
        }
        trace.blockTokens = max(1, Int((Double(blockTokens) * lengths).rounded()))
        return trace
    }

    /// From the first request to the last.
    public var seconds: Double { entries.last?.time ?? 0 }

    private static func mooncake(_ line: ArraySlice<UInt8>) -> Entry? {
        guard let object = (try? JSONValue(parsing: Array(line), limits: .request))?.asObject,
            let time = object["timestamp"]?.asDouble, let prompt = object["input_length"]?.asInt, prompt >= 0,
            let new = object["output_length"]?.asInt, new >= 0
        else { return nil }
        let blocks = object["hash_ids"]?.asArray ?? []
        return Entry(time: time / 1000, promptTokens: prompt, newTokens: new, blocks: blocks.compactMap(\.asInt))
    }

    private static func azure(_ line: ArraySlice<UInt8>) -> Entry? {
        let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard fields.count == 3, let time = TraceTime.seconds(String(decoding: fields[0], as: UTF8.self)),
            let prompt = Int(String(decoding: fields[1], as: UTF8.self)), prompt >= 0,
            let new = Int(String(decoding: fields[2], as: UTF8.self)), new >= 0
        else { return nil }
        return Entry(time: time, promptTokens: prompt, newTokens: new)
    }
}

extension RequestTrace {
    /// Reads a trace's file.
    public init(path: String) throws(BenchmarkError) {
        let text: [UInt8]
        do {
            text = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw .unreadable(path: path, reason: error.localizedDescription)
        }
        try self.init(parsing: text, path: path)
    }
}
