import Testing

@testable import Serving

/// A forecast is made once for a moment.
@Suite struct RecentForecastTests {
    @Test func aFreshForecastIsKeptForItsTenant() {
        var forecast = RecentForecast()
        var made = 0
        func ask(_ milliseconds: Int, _ tenant: Int = 1) -> Double? {
            forecast.seconds(now: .milliseconds(milliseconds), tenant: tenant) {
                made += 1
                return Double(made)
            }
        }
        #expect(ask(0) == 1)
        #expect(ask(199) == 1)
        #expect(ask(200) == 2)
        #expect(ask(210, 2) == 3)
        #expect(ask(220) == 4)
        #expect(ask(10) == 5)
    }
}
