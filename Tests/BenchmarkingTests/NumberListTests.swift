import Testing

@testable import Benchmarking

@Suite struct NumberListTests {
    @Test func listsAreRead() throws {
        #expect(try NumberList.integers("0,4096", option: "--depth", in: 0...8192) == [0, 4096])
        #expect(try NumberList.percents("100,12.5", option: "--budgets") == [1_000_000, 125_000])
    }

    @Test(arguments: ["", "1,", "a", "9000", "-1", "1 ,2", "1.5"])
    func aBadNumberNamesTheOption(text: String) {
        #expect {
            try NumberList.integers(text, option: "--depth", in: 0...8192)
        } throws: { "\($0)".contains("--depth: '\(text)'") && "\($0)".contains("from 0 to 8192") }
    }

    @Test(arguments: ["", "0", "101", "nan", "-5", "1,,2"])
    func aBadPercentNamesTheOption(text: String) {
        #expect {
            try NumberList.percents(text, option: "--budgets")
        } throws: { "\($0)".contains("--budgets: '\(text)'") }
    }

    @Test func workIsRead() throws {
        #expect(
            try ComparedWork.list("prefill=512,decode=0,batch=8,server=4,requests=2") == [
                .prefill(tokens: 512), .decode(depth: 0), .batch(sequences: 8), .server(concurrency: 4),
                .requests(connections: 2),
            ])
    }

    @Test(arguments: ["sleep=1", "prefill", "prefill=0", "batch=x", "decode=-1", ""])
    func badWorkNamesTheOption(text: String) {
        #expect { try ComparedWork.list(text) } throws: { "\($0)".contains("--work") }
    }

    @Test func targetsAreRead() throws {
        #expect(try HTTPTarget(parsing: "http://127.0.0.1:8080") == HTTPTarget(host: "127.0.0.1", port: 8080))
        #expect(try HTTPTarget(parsing: "http://localhost:80/v1/") == HTTPTarget(host: "localhost", port: 80))
        #expect(try HTTPTarget(parsing: "http://example") == HTTPTarget(host: "example", port: 80))
        let address = try HTTPTarget(parsing: "http://[::1]:81")
        #expect(address == HTTPTarget(host: "::1", port: 81))
        #expect(address.description == "http://[::1]:81")
    }

    @Test(arguments: ["", "https://a", "http://", "http://a:0", "http://a:99999", "http://a/x", "http://a b", "a:80"])
    func aBadURLSaysWhatIsExpected(text: String) {
        #expect { try HTTPTarget(parsing: text) } throws: { "\($0)".contains("http://HOST:PORT") }
    }
}
