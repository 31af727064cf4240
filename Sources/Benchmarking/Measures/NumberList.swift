/// Lists of numbers as options give them: `0,4096`.
public enum NumberList {
    /// Whole numbers in `range`, separated by commas; at least one.
    public static func integers(
        _ text: String, option: String, in range: ClosedRange<Int>
    ) throws(BenchmarkError) -> [Int] {
        var numbers: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Int(part), range.contains(number) else {
                throw .badNumber(
                    option: option, text: text,
                    allowed: "whole numbers from \(range.lowerBound) to \(range.upperBound), separated by commas")
            }
            numbers.append(number)
        }
        return numbers
    }

    /// Percents above 0 and up to 100, separated by commas, in millionths.
    public static func percents(_ text: String, option: String) throws(BenchmarkError) -> [Int] {
        var numbers: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let percent = Double(part), percent >= 0.0001, percent <= 100 else {
                throw .badNumber(
                    option: option, text: text, allowed: "percents above 0 and up to 100, separated by commas")
            }
            numbers.append(Int((percent * 10_000).rounded()))
        }
        return numbers
    }
}
