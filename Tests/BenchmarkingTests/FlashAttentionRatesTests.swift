import Testing

@testable import Benchmarking

@Suite struct FlashAttentionRatesTests {
    @Test func bothSettingsAreMeasuredWhileTheyAreClose() {
        var rates = FlashAttentionRates()
        for turn in 0..<4 {
            #expect(rates.settingsWorthMeasuring == [false, true])
            rates.add(100, flashAttention: false)
            rates.add(turn == 3 ? 104 : 95, flashAttention: true)
        }
        #expect(!rates.flashAttentionIsBetter && rates.better == [100, 100, 100, 100])
    }

    @Test(arguments: [true, false]) func aSettingThatIsClearlySlowerIsNotMeasuredAgain(winner: Bool) {
        var rates = FlashAttentionRates()
        rates.add(80, flashAttention: !winner)
        rates.add(100, flashAttention: winner)
        for _ in 0..<3 {
            #expect(rates.settingsWorthMeasuring == [winner])
            // A slow turn later on does not bring the other back.
            rates.add(60, flashAttention: winner)
        }
        #expect(rates.flashAttentionIsBetter == winner)
        #expect(rates.better == [100, 60, 60, 60] && rates.worse == [80])
    }
}
