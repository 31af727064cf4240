/// Keeps a forecast for a moment: a flood of requests that are all refused must not cost the engine thread one each.
struct RecentForecast {
    private static let life = Duration.milliseconds(200)

    private var made: Duration?
    private var tenant = 0
    private var seconds: Double?

    /// The last forecast for the tenant while it is fresh, else what `forecast` says now.
    mutating func seconds(now: Duration, tenant: Int, forecast: () -> Double?) -> Double? {
        if let made, self.tenant == tenant, now - made < Self.life, now >= made { return seconds }
        (made, self.tenant, seconds) = (now, tenant, forecast())
        return seconds
    }
}
