/// One GET and its status.
public enum HTTPProbe {
    /// The status of the answer to a GET of `path`. An answer that takes longer than `seconds` is an error.
    public static func status(
        of path: String, at target: HTTPTarget, seconds: Double
    ) throws(BenchmarkError) -> Int {
        let pool = ExchangePool(target, timeout: seconds)
        var status: Int?
        var failure = "no answer"
        try pool.start(target.get(path), tag: 0)
        while pool.activeCount > 0 {
            pool.poll(seconds: seconds) { _, event in
                switch event {
                case .head(let found): status = found
                case .failed(let reason): failure = reason
                case .body, .finished: break
                }
            }
        }
        guard let status else { throw .badAnswer(url: target.description, reason: failure) }
        return status
    }
}
