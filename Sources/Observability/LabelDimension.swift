/// A label with the closed set of values it may take, so that no client can grow the number of time series.
public struct LabelDimension: Sendable {
    /// Stands for every value outside an open list.
    public static let other = "other"

    public let name: String
    /// The values in the order in which they are rendered.
    public let values: [String]
    private let indices: [String: Int]
    private let otherIndex: Int?

    /// A label whose values are known when the server starts, such as policy names. Anything else counts as `other`.
    public init(_ name: String, _ values: [String]) {
        self.init(name: name, values: values.filter { $0 != Self.other } + [Self.other], hasOther: true)
    }

    /// A label whose values are the cases of an enum.
    public init<Value: CaseIterable & RawRepresentable<String>>(_ name: String, _ type: Value.Type) {
        self.init(name: name, values: type.allCases.map(\.rawValue), hasOther: false)
    }

    /// A label with one fixed value, for metrics that carry facts.
    init(_ name: String, fixed value: String) {
        self.init(name: name, values: [value], hasOther: false)
    }

    private init(name: String, values: [String], hasOther: Bool) {
        precondition(PrometheusText.isLabelName(name), "\(name) is not a label name")
        precondition(Set(values).count == values.count, "label \(name) lists a value twice: \(values)")
        self.name = name
        self.values = values
        indices = Dictionary(uniqueKeysWithValues: zip(values, 0...))
        otherIndex = hasOther ? values.count - 1 : nil
    }

    /// Place of `value` in `values`.
    func index(of value: String) -> Int {
        guard let index = indices[value] ?? otherIndex else {
            preconditionFailure("label \(name) has no value \(value)")
        }
        return index
    }
}
