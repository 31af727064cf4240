import CKernels
import Testing

/// The tables this CPU runs. The first is the scalar reference.
@safe struct Variant: @unchecked Sendable {
    // Sendable: the tables are C constants.
    let table: UnsafePointer<ck_table>

    static let scalar = unsafe Variant(table: ck_table_scalar())
    /// The tables that are compared with the scalar one.
    static let others: [Variant] = ["avx2", "avx512", "neon", "dotprod"].compactMap { isa in
        guard let table = unsafe ck_table_named(isa) else { return nil }
        return unsafe Variant(table: table)
    }

    var isa: String { unsafe String(cString: table.pointee.isa) }
}

/// Half the distance between 1 and the next float: the relative error of one rounding.
let roundoff = 0x1p-24
/// The smallest subnormal float: bounds the absolute error of one rounding that underflows.
let underflow = 0x1p-149

/// Collects what is wrong, so that long loops need no macro per check; `record` reports it as one issue.
struct Findings {
    private(set) var messages: [String] = []

    mutating func require(_ holds: Bool, _ message: @autoclosure () -> String) {
        if !holds { messages.append(message()) }
    }

    /// Reports the first index at which two results differ in any bit. All NaN count as equal.
    mutating func requireSameBits(_ found: [Float], _ expected: [Float], _ what: @autoclosure () -> String) {
        guard found.count == expected.count else {
            return messages.append("\(what()): \(found.count) elements instead of \(expected.count)")
        }
        for index in found.indices where found[index].bitPattern != expected[index].bitPattern {
            if found[index].isNaN && expected[index].isNaN { continue }
            return messages.append("\(what()): element \(index) is \(found[index]), not \(expected[index])")
        }
    }

    /// Reports a result that is further than `bound` from the exact one.
    mutating func requireClose(_ found: Float, _ exact: Double, bound: Double, _ what: @autoclosure () -> String) {
        // Written so that NaN fails.
        guard !(abs(Double(found) - exact) <= bound) else { return }
        messages.append("\(what()): \(found) is not within \(bound) of \(exact)")
    }

    mutating func requireIntact<Element>(_ arrays: GuardedArray<Element>..., what: @autoclosure () -> String) {
        for array in arrays where !array.isIntact { messages.append("\(what()): bytes before the start were written") }
    }

    func record(sourceLocation: SourceLocation = #_sourceLocation) {
        guard !messages.isEmpty else { return }
        let shown = messages.prefix(5).joined(separator: "\n")
        Issue.record("\(messages.count) findings\n\(shown)", sourceLocation: sourceLocation)
    }
}
