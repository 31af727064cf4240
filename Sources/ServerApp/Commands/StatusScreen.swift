internal import JSON

/// The text of `keyhold top` for one answer of `/status`. Pure.
struct StatusScreen {
    /// A column of the table of requests.
    private struct Column: Sendable {
        let title: String
        let width: Int
        let isNumber: Bool
        let text: @Sendable (JSONObject) -> String
    }

    private let status: JSONObject
    /// The answer before this one, and the seconds between the two.
    private let previous: (status: JSONObject, seconds: Double)?

    init(_ status: JSONObject, previous: (status: JSONObject, seconds: Double)? = nil) {
        self.status = status
        self.previous = previous
    }

    /// At most `rows` lines of at most `columns` characters.
    func text(columns: Int, rows: Int) -> String {
        let requests = status["requests"]?.asArray?.compactMap(\.asObject) ?? []
        var lines = [heading, sequences, pool(width: min(40, max(10, columns - 50))), rates, "", Self.titles]
        let room = max(0, rows - lines.count - 1)
        lines += requests.prefix(room).map(Self.row)
        if requests.count > room { lines.append("… and \(requests.count - room) more") }
        return lines.map { String(Self.plain($0).prefix(columns)) }.joined(separator: "\n") + "\n"
    }

    // MARK: Head

    private var heading: String {
        "keyhold \(text("version"))  \(status["model"]?.asString ?? "no model")  \(text("phase"))  "
            + "up \(Self.duration(status["uptime_seconds"]?.asDouble ?? 0))  "
            + "connections \(status["connections"]?.asInt ?? 0)"
    }

    private var sequences: String {
        "sequences  running \(number("sequences", "running"))  waiting \(number("sequences", "waiting"))"
    }

    private func pool(width: Int) -> String {
        let total = max(1, number("kv_pool_bytes", "total"))
        let reserved = number("kv_pool_bytes", "reserved")
        let used = number("kv_pool_bytes", "used")
        let share = Double(reserved) / Double(total)
        let filled = min(width, Int((share * Double(width)).rounded()))
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        return "KV pool    [\(bar)] \(Int((share * 100).rounded())) % of \(Self.bytes(total)) reserved, "
            + "\(Self.bytes(used)) used"
    }

    private var rates: String {
        let names = [("prompt", "prompt"), ("generated", "generated"), ("evicted", "evicted")]
        guard let previous, previous.seconds > 0 else {
            return "tokens     " + names.map { "\($0.1) \(number("tokens", $0.0))" }.joined(separator: "  ")
        }
        return "tokens/s   "
            + names.map { key, name in
                let before = previous.status["tokens"]?.asObject?[key]?.asInt ?? 0
                let rate = Double(max(0, number("tokens", key) - before)) / previous.seconds
                return "\(name) \((rate * 10).rounded() / 10)"
            }.joined(separator: "  ")
    }

    // MARK: Table

    private static let columns: [Column] = [
        Column(title: "REQUEST", width: 28, isNumber: false) { $0["id"]?.asString ?? "" },
        Column(title: "KEY", width: 14, isNumber: false) { $0["key"]?.asString ?? "" },
        Column(title: "PHASE", width: 6, isNumber: false) { $0["phase"]?.asString ?? "" },
        Column(title: "AGE", width: 7, isNumber: true) { duration($0["age_seconds"]?.asDouble ?? 0) },
        Column(title: "PROMPT", width: 7, isNumber: true) { "\($0["prompt_tokens"]?.asInt ?? 0)" },
        Column(title: "OUT", width: 6, isNumber: true) { "\($0["generated_tokens"]?.asInt ?? 0)" },
        Column(title: "POLICY", width: 9, isNumber: false) { $0["kv_policy"]?.asString ?? "" },
        Column(title: "BUDGET", width: 7, isNumber: true) { "\($0["kv_budget_tokens"]?.asInt ?? 0)" },
        Column(title: "KV", width: 9, isNumber: true) { bytes($0["kv_bytes"]?.asInt ?? 0) },
    ]

    private static var titles: String { columns.map { padded($0.title, $0) }.joined(separator: " ") }

    private static func row(_ request: JSONObject) -> String {
        columns.map { padded($0.text(request), $0) }.joined(separator: " ")
    }

    private static func padded(_ text: String, _ column: Column) -> String {
        let cut = text.prefix(column.width)
        let blanks = String(repeating: " ", count: column.width - cut.count)
        return column.isNumber ? blanks + cut : cut + blanks
    }

    // MARK: Values

    private func text(_ key: String) -> String { status[key]?.asString ?? "" }

    private func number(_ group: String, _ key: String) -> Int { status[group]?.asObject?[key]?.asInt ?? 0 }

    /// `4.2s`, `3m10s`, `5h02m`, `3d04h`.
    static func duration(_ seconds: Double) -> String {
        guard seconds >= 60 else { return "\((max(0, seconds) * 10).rounded() / 10)s" }
        let whole = Int(min(seconds, 1e9))
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
        if whole < 3600 { return "\(whole / 60)m\(two(whole % 60))s" }
        if whole < 86_400 { return "\(whole / 3600)h\(two(whole % 3600 / 60))m" }
        return "\(whole / 86_400)d\(two(whole % 86_400 / 3600))h"
    }

    /// `512 B`, `1.5 KiB`, `3.0 GiB`.
    static func bytes(_ bytes: Int) -> String {
        var value = Double(bytes)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return unit == "B" ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(unit)" }
            value /= 1024
        }
        return "\((value * 10).rounded() / 10) TiB"
    }

    /// Whatever a server sends, the terminal only gets letters.
    private static func plain(_ line: String) -> String {
        String(
            String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 32 && !(127...159).contains($0.value) }))
    }
}
