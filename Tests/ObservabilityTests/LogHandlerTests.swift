import Foundation
import Logging
import Synchronization
import Testing

@testable import Observability

private final class Lines: LogSink {
    private let kept = Mutex<[String]>([])
    func write(_ line: String) { kept.withLock { $0.append(line) } }
    var all: [String] { kept.withLock { $0 } }
}

@Suite struct LogHandlerTests {
    private static let hostile = "a\nb\u{1B}[31m\u{0}\u{85}\u{2028}\u{202E}\"\\\t\u{7F}é🦊"

    private func jsonObject(_ line: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    private func logger(_ make: (any LogSink) -> any LogHandler) -> (Logger, Lines) {
        let lines = Lines()
        return (Logger(label: "test") { _ in make(lines) }, lines)
    }

    @Test func eachEventIsOneLineOfValidJSON() throws {
        let (logger, lines) = logger { JSONLogHandler(label: "serving", level: .info, sink: $0) }
        logger.info("finished", metadata: [
            "prompt_tokens": .stringConvertible(12), "ttft_ms": .stringConvertible(1.5),
            "gone": .stringConvertible(true), "bad": .stringConvertible(Double.nan), "list": ["x", "y"],
            "object": ["k": "v"], "level": "forged",
        ])
        let object = try jsonObject(try #require(lines.all.first))
        #expect(object["event"] as? String == "finished")
        #expect(object["level"] as? String == "info")
        #expect(object["logger"] as? String == "serving")
        #expect(object["prompt_tokens"] as? Int == 12)
        #expect(object["ttft_ms"] as? Double == 1.5)
        #expect(object["gone"] as? Bool == true)
        #expect(object["bad"] as? String == "nan")
        #expect(object["list"] as? [String] == ["x", "y"])
        #expect(object["object"] as? [String: String] == ["k": "v"])
        #expect((object["ts"] as? String)?.count == 24)
    }

    @Test func hostileTextStaysInsideItsStringInJSON() throws {
        let (logger, lines) = logger { JSONLogHandler(label: Self.hostile, level: .info, sink: $0) }
        logger.warning("\(Self.hostile)", metadata: ["\(Self.hostile)": "\(Self.hostile)"])
        let line = try #require(lines.all.first)
        #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
        #expect(line.count(where: { $0 == "\n" }) == 1)
        let object = try jsonObject(line)
        #expect(object["event"] as? String == Self.hostile)
        #expect(object[Self.hostile] as? String == Self.hostile)
    }

    @Test func hostileTextCannotForgeATextLine() throws {
        let (logger, lines) = logger { TextLogHandler(level: .info, sink: $0) }
        logger.error("say \"hi\" \(Self.hostile)", metadata: ["k\n": "\(Self.hostile)", "plain": "v-1", "empty": ""])
        let line = try #require(lines.all.first)
        let controls = line.dropLast().unicodeScalars.filter { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
        #expect(controls.isEmpty)
        #expect(line.contains("ERROR    say \"hi\" a\\nb\\u001b[31m\\u0000"))
        #expect(line.contains(" plain=v-1"))
        #expect(line.contains(" empty=\"\""))
        #expect(line.contains(" k\\n=\"a\\nb"))
    }

    @Test func levelsAndMetadataSourcesAreHonoured() {
        let lines = Lines()
        var handler = TextLogHandler(level: .warning, sink: lines)
        handler.metadata = ["a": "handler", "b": "handler"]
        handler.metadataProvider = Logger.MetadataProvider { ["b": "provider", "c": "provider"] }
        let prepared = handler
        let logger = Logger(label: "x") { _ in prepared }
        logger.info("dropped")
        logger.warning("kept", metadata: ["c": "event"])
        #expect(lines.all.count == 1)
        #expect(lines.all.first?.hasSuffix("WARNING  kept a=handler b=provider c=event\n") == true)
    }

    @Test(arguments: [(0, 0, "1970-01-01T00:00:00.000Z"), (951_782_400, 7, "2000-02-29T00:00:00.007Z"),
        (1_795_247_455, 123, "2026-11-21T07:50:55.123Z")])
    func timestampsAreRFC3339InUTC(seconds: Int, milliseconds: Int, text: String) {
        #expect(Timestamp.text(seconds: seconds, milliseconds: milliseconds) == text)
    }
}
