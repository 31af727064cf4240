import Testing

@testable import ServerApp

@Suite struct RateLimitHeadersTests {
    @Test(arguments: [
        (Duration.zero, "0ms"), (.milliseconds(-5), "0ms"), (.microseconds(100), "1ms"), (.milliseconds(999), "999ms"),
        (.milliseconds(999.5), "1s"), (.milliseconds(1001), "2s"), (.seconds(59), "59s"), (.seconds(60), "1m0s"),
        (.seconds(3600), "60m0s"),
    ])
    func durationsAreWrittenAsGoDoes(_ time: Duration, _ text: String) {
        #expect(RateLimitHeaders.duration(time) == text)
    }
}
