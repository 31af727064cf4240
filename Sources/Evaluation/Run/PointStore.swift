internal import Foundation
internal import JSON

/// The finished points of a folder, one JSON object a line, each written as soon as it is there. A line that cannot be
/// read, such as one cut short by a kill, counts as not measured.
struct PointStore {
    private let path: String
    private(set) var points: [EvaluationPoint] = []
    private var endsInNewline = true

    /// Reads the file, or starts without it.
    init(path: String) {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else { return }
        endsInNewline = data.isEmpty || data.last == UInt8(ascii: "\n")
        for line in data.split(separator: UInt8(ascii: "\n")) {
            guard let value = try? JSONValue(parsing: [UInt8](line), limits: .file),
                let point = EvaluationPoint(value)
            else { continue }
            points.append(point)
        }
    }

    /// The point with these coordinates, if it was measured.
    func point(run: String, suite: SuiteKind, policy: String, budget: BudgetShare) -> EvaluationPoint? {
        points.first {
            $0.run == run && $0.suite == suite && $0.policy == policy && $0.budget == budget
        }
    }

    /// Keeps a point, on disk before this returns.
    mutating func append(_ point: EvaluationPoint) throws(EvaluationError) {
        var line = point.json.serialized() + [UInt8(ascii: "\n")]
        if !endsInNewline { line.insert(UInt8(ascii: "\n"), at: 0) }
        endsInNewline = true
        if !FileManager.default.fileExists(atPath: path) {
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw .unwritable(path: path, reason: "cannot be created")
            }
        }
        guard let file = FileHandle(forWritingAtPath: path) else {
            throw .unwritable(path: path, reason: "cannot be opened for writing")
        }
        do {
            try file.seekToEnd()
            try file.write(contentsOf: Data(line))
            try file.close()
        } catch {
            throw .unwritable(path: path, reason: "\(error)")
        }
        points.append(point)
    }
}
