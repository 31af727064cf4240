/// What a step of the engine costs on this machine, as a sum: so much for being a step, so much for each row of a
/// sequence that decodes, for each slot of a cache that is read, for each row of a prompt, and for each pair of a
/// prompt's tokens that attend to each other. Seconds.
struct StepCost: Sendable, Equatable {
    var step: Double
    var row: Double
    var slot: Double
    var promptRow: Double
    var promptPair: Double

    /// A timed step.
    struct Sample: Sendable, Equatable {
        /// Sequences that decode, and the slots that they read per lane, together.
        var rows = 0
        var slots = 0
        /// Rows of prompts that pass all layers, and pairs of tokens that attend.
        var promptRows = 0
        var promptPairs = 0.0
        var seconds: Double

        /// A step of sequences that decode.
        init(rows: Int, slots: Int, seconds: Double) {
            (self.rows, self.slots, self.seconds) = (rows, slots, seconds)
        }

        /// A whole prompt.
        init(prompt: Int, seconds: Double) {
            (promptRows, promptPairs, self.seconds) = (prompt, StepCost.pairs(0..<prompt), seconds)
        }
    }

    /// Pairs of the rows of a causal prompt with themselves and what is before them.
    static func pairs(_ rows: Range<Int>) -> Double {
        func upTo(_ count: Int) -> Double { Double(count) * Double(count + 1) / 2 }
        return upTo(rows.upperBound) - upTo(rows.lowerBound)
    }

    /// Seconds of a step. `promptRows` and `promptPairs` count by layers: a piece of half of the layers counts half.
    func seconds(rows: Int, slots: Int, promptRows: Double = 0, promptPairs: Double = 0) -> Double {
        step + row * Double(rows) + slot * Double(slots) + promptRow * promptRows + promptPair * promptPairs
    }

    init(step: Double, row: Double, slot: Double, promptRow: Double, promptPair: Double) {
        (self.step, self.row, self.slot) = (step, row, slot)
        (self.promptRow, self.promptPair) = (promptRow, promptPair)
    }

    /// The costs that come nearest to the samples: least squares of the relative errors, none below 0 (negative ones
    /// are set to 0 one by one, the lowest first, and the others found again).
    init(fitting samples: [Sample]) {
        var free = Array(0..<5)
        var found = [0.0, 0, 0, 0, 0]
        while !free.isEmpty {
            let part = Self.leastSquares(samples, free)
            found = [0, 0, 0, 0, 0]
            for (place, index) in free.enumerated() { found[index] = part[place] }
            guard let lowest = free.min(by: { found[$0] < found[$1] }), found[lowest] < 0 else { break }
            free.removeAll { $0 == lowest }
        }
        (step, row, slot, promptRow, promptPair) = (found[0], found[1], found[2], found[3], found[4])
    }

    /// Of the samples, the share by which a fitted one is off, as a median.
    func error(_ samples: [Sample]) -> Double {
        Summary(
            samples.map { sample in
                let parts = Self.parts(sample)
                let seconds = zip(parts, [step, row, slot, promptRow, promptPair]).reduce(0) { $0 + $1.0 * $1.1 }
                return abs(seconds / sample.seconds - 1)
            }
        ).median
    }

    private static func parts(_ sample: Sample) -> [Double] {
        [1, Double(sample.rows), Double(sample.slots), Double(sample.promptRows), sample.promptPairs]
    }

    /// Solves the normal equations of the columns `free` by elimination with pivots; a column that says nothing gets 0.
    private static func leastSquares(_ samples: [Sample], _ free: [Int]) -> [Double] {
        // Columns are scaled to a largest entry of 1, so that pairs, which are many, do not drown the rest.
        let scales = free.map { index in samples.map { parts($0)[index] / $0.seconds }.max() ?? 0 }
        let table = samples.map { sample in
            zip(free, scales).map { index, scale in scale > 0 ? parts(sample)[index] / sample.seconds / scale : 0 }
        }
        var matrix = free.indices.map { row in
            free.indices.map { column in table.reduce(0.0) { $0 + $1[row] * $1[column] } }
                + [table.reduce(0.0) { $0 + $1[row] }]
        }
        var solution = [Double](repeating: 0, count: free.count)
        var solved: [(row: Int, column: Int)] = []
        for column in free.indices {
            let rest = free.indices.filter { row in !solved.contains { $0.row == row } }
            guard let pivot = rest.max(by: { abs(matrix[$0][column]) < abs(matrix[$1][column]) }),
                abs(matrix[pivot][column]) > 1e-12
            else { continue }
            for row in free.indices where row != pivot {
                let factor = matrix[row][column] / matrix[pivot][column]
                for index in matrix[row].indices { matrix[row][index] -= factor * matrix[pivot][index] }
            }
            solved.append((pivot, column))
        }
        for (row, column) in solved {
            solution[column] = matrix[row][free.count] / matrix[row][column] / scales[column]
        }
        return solution
    }
}
