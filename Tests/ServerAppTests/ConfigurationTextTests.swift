import Testing

@testable import ServerApp

/// Sizes, times and ratios as people write them.
@Suite struct ConfigurationTextTests {
    @Test(arguments: [
        ("0", 0), ("65536", 65536), ("64KiB", 65536), ("64kib", 65536), ("1.5GiB", 1_610_612_736),
        ("2GB", 2_000_000_000),
        ("1B", 1), ("0.5KiB", 512), ("1TiB", 1 << 40),
    ])
    func sizesAreRead(text: String, bytes: Int) {
        #expect(ConfigurationText.bytes(text) == bytes)
    }

    @Test(arguments: ["", "KiB", "-1", "1 GiB", "1.5.5GiB", ".5GiB", "5.", "9999999TiB", "1e3", "0x10", "１"])
    func whatIsNoSizeIsRefused(text: String) {
        #expect(ConfigurationText.bytes(text) == nil)
    }

    @Test(arguments: [("250ms", 250), ("1.5s", 1500), ("30", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0)])
    func timesAreRead(text: String, milliseconds: Int) {
        #expect(ConfigurationText.duration(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: [("0.29", 290_000), ("1", 1_000_000), ("0", 0), ("0.000001", 1), ("1.000000", 1_000_000)])
    func ratiosAreExact(text: String, millionths: Int) {
        #expect(ConfigurationText.millionths(text) == millionths)
    }

    @Test(arguments: ["1.1", "-0.5", "0.0000001", "NaN", "50%", "1e-1"])
    func whatIsNoRatioIsRefused(text: String) {
        #expect(ConfigurationText.millionths(text) == nil)
    }

    @Test(arguments: [0, 1, 1023, 1024, 65536, 1 << 30, 3 << 29, 1_000_000])
    func writtenSizesAreReadBack(bytes: Int) {
        #expect(ConfigurationText.bytes(ConfigurationText.byteText(bytes)) == bytes)
    }

    @Test(arguments: [0, 1, 999, 1000, 60_000, 90_000, 3_600_000])
    func writtenTimesAreReadBack(milliseconds: Int) {
        let text = ConfigurationText.durationText(.milliseconds(milliseconds))
        #expect(ConfigurationText.duration(text) == .milliseconds(milliseconds))
    }
}
