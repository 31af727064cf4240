internal import Foundation
internal import JSON

extension StepCost {
    private static let rowName = "cost of a step"
    private static let details = ["row_ms", "1000_slots_ms", "prompt_row_ms", "1000000_pairs_ms"]

    /// The costs as a row of a report; `error` is that of the fit.
    func row(budget: String, error: Double) -> BenchmarkRow {
        var row = BenchmarkRow(
            name: Self.rowName, parameters: [("budget", .string(budget))], unit: "ms", summary: Summary([step * 1e3]))
        let values = [self.row * 1e3, slot * 1e6, promptRow * 1e3, promptPair * 1e9]
        row.details = zip(Self.details, values).map { ($0, .real($1)) } + [("fit_error", .real(error))]
        return row
    }

    /// The costs that an earlier report holds, by budget.
    static func reported(in path: String) throws(BenchmarkError) -> [String: StepCost] {
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw .unreadable(path: path, reason: error.localizedDescription)
        }
        let report = (try? JSONValue(parsing: bytes, limits: .request))?.asObject
        var found: [String: StepCost] = [:]
        for row in (report?["results"]?.asArray ?? []).compactMap(\.asObject) where row["name"]?.asString == rowName {
            let values = details.compactMap { row["details"]?.asObject?[$0]?.asDouble }
            guard let budget = row["parameters"]?.asObject?["budget"]?.asString, let step = row["median"]?.asDouble,
                values.count == details.count
            else { continue }
            found[budget] = StepCost(
                step: step / 1e3, row: values[0] / 1e3, slot: values[1] / 1e6, promptRow: values[2] / 1e3,
                promptPair: values[3] / 1e9)
        }
        guard !found.isEmpty else { throw .unreadable(path: path, reason: "it is no report of bench capacity") }
        return found
    }
}
