internal import CFront

/// The bodies of the front's own refusals, rendered once so that C never has to ask for one.
struct RefusalBodies {
    private var block: [UInt8] = []
    private var ranges: [Range<Int>] = []

    init(_ configuration: FrontConfiguration) {
        for index in 0..<CF_REFUSAL_COUNT.rawValue {
            let refusal = cf_refusal(rawValue: index)
            let message = unsafe String(cString: cf_refusal_message(refusal))
            let start = block.count
            block += configuration.errorBody(Int(cf_refusal_status(refusal)), message)
            ranges.append(start..<block.count)
        }
    }

    /// Lends the bodies in the order of `cf_refusal`.
    func withBodies<Result>(_ body: (UnsafePointer<cf_bytes>) -> Result) -> Result {
        unsafe block.withUnsafeBytes { block in
            let bodies = unsafe ranges.map { range in
                unsafe cf_bytes(start: block.baseAddress.map { unsafe $0 + range.lowerBound }, length: range.count)
            }
            return unsafe bodies.withUnsafeBufferPointer { bodies in
                guard let start = bodies.baseAddress else { preconditionFailure("there is at least one refusal") }
                return unsafe body(start)
            }
        }
    }
}
