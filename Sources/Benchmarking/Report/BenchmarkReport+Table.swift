internal import JSON

extension BenchmarkReport {
    /// The report for people: the limits, then one line per row in columns.
    public var table: String {
        var lines: [String] = ["\(machine.processor), \(machine.cores) cores, kernels \(machine.isa)"]
        if let limits {
            lines.append(
                "limits of \(limits.threads) threads: f32 \(Self.shown(limits.floatOperations / 1e9)) GFLOP/s, "
                    + "int8 \(Self.shown(limits.integerOperations / 1e9)) GOP/s, "
                    + "memory \(Self.shown(limits.memoryBytes / 1e9)) GB/s, "
                    + "cache \(Self.shown(limits.cacheBytes / 1e9)) GB/s")
        }
        lines.append("")
        return (lines + Self.aligned([Self.heads] + rows.map(Self.cells))).joined(separator: "\n") + "\n"
    }

    private static let heads = ["what", "median", "min", "max", "unit", "n", "limit", "share", "bound by", ""]

    private static func cells(_ row: BenchmarkRow) -> [String] {
        let conditions = row.parameters.map { $0.name == "work" ? shown($0.value) : "\($0.name) \(shown($0.value))" }
        return [
            row.name + (conditions.isEmpty ? "" : " (\(conditions.joined(separator: ", ")))"),
            shown(row.summary.median), shown(row.summary.minimum), shown(row.summary.maximum), row.unit,
            "\(row.summary.count)", row.limit.map { shown($0.value) } ?? "",
            row.share.map { "\(shown($0 * 100)) %" } ?? "", row.limit?.bound.rawValue ?? "",
            row.details.map { "\($0.name) \(shown($0.value))" }.joined(separator: ", "),
        ]
    }

    /// Three significant digits, and all digits left of the point.
    static func shown(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        let size = abs(value)
        let places = size == 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 6
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        return places == 0 && size < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }

    private static func shown(_ value: JSONValue) -> String {
        switch value {
        case .real(let number): shown(number)
        case .integer(let number): "\(number)"
        case .string(let text): text
        default: String(decoding: value.serialized(), as: UTF8.self)
        }
    }

    /// Cells padded to the width of their column; the first is left-aligned, and so are texts.
    private static func aligned(_ rows: [[String]]) -> [String] {
        guard let first = rows.first else { return [] }
        let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let leftAligned: Set = [0, 4, 8, 9]
        return rows.map { row in
            let cells = row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return leftAligned.contains(column) ? row[column] + padding : padding + row[column]
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
