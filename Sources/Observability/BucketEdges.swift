/// Bucket edges of the histograms. The edges of the OpenTelemetry conventions for generative AI are all there, so that
/// dashboards made for them work; the tails are longer because a CPU is slower, the heads finer because small models
/// are fast.
public enum BucketEdges {
    /// Seconds to the first token and of the phases before it: `gen_ai.server.time_to_first_token`, then to 10 minutes.
    public static let timeToFirstToken: [Double] = [
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 300, 600,
    ]

    /// Seconds per token: `gen_ai.server.time_per_output_token`, from half a millisecond to 10 s.
    public static let timePerToken: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]

    /// Seconds of a whole request: `gen_ai.server.request.duration`, 10 ms doubled up to 82 s, then up to 44 minutes.
    public static let requestDuration: [Double] = (0..<19).map { 0.01 * Double(1 << $0) }

    /// Rows of a step.
    public static let batchSize: [Double] = (0..<11).map { Double(1 << $0) }

    /// Shares of a prompt; above 1 where the budget is larger than the prompt.
    public static let ratio: [Double] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.5, 2, 4]

    /// Bytes from 64 KiB to 64 GiB in steps of 4.
    public static let bytes: [Double] = (0..<11).map { Double(1 << (16 + 2 * $0)) }
}
