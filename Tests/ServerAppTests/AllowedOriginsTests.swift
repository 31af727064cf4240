import Testing

@testable import ServerApp

/// Which pages may call the server.
@Suite struct AllowedOriginsTests {
    @Test func nobodyByDefault() {
        #expect(AllowedOrigins().headers(origin: "https://a.example").isEmpty)
        #expect(AllowedOrigins().preflightHeaders(origin: "https://a.example", methods: ["POST"]) == nil)
    }

    @Test func listedOriginsAreEchoedAndCachesToldSo() throws {
        let origins = try #require(AllowedOrigins("https://a.example, http://localhost:3000"))
        let headers = origins.headers(origin: "https://A.example")
        #expect(headers.contains { $0 == ("access-control-allow-origin", "https://A.example") })
        #expect(headers.contains { $0 == ("vary", "Origin") })
        for other in [nil, "", "null", "https://a.example.evil", "https://a.example:444", "http://a.example"] {
            #expect(origins.headers(origin: other).isEmpty, "\(other ?? "nil")")
        }
        let preflight = try #require(origins.preflightHeaders(origin: "http://localhost:3000", methods: ["POST"]))
        #expect(preflight.contains { $0 == ("access-control-allow-methods", "POST") })
    }

    @Test func pagesThatAreNotAllowedAreRefusedAndProgramsAreNot() throws {
        let origins = try #require(AllowedOrigins("https://a.example"))
        #expect(!origins.refuses(origin: nil, host: "127.0.0.1:8080"))
        #expect(!origins.refuses(origin: "https://a.example", host: "127.0.0.1:8080"))
        #expect(!origins.refuses(origin: "http://127.0.0.1:8080", host: "127.0.0.1:8080"))
        for origin in ["https://b.example", "null", "", "http://127.0.0.1:9999"] {
            #expect(origins.refuses(origin: origin, host: "127.0.0.1:8080"), "\(origin)")
        }
    }

    @Test func aStarIsEveryOriginWithoutEcho() throws {
        let headers = try #require(AllowedOrigins("*")).headers(origin: "https://x.example")
        #expect(headers.contains { $0 == ("access-control-allow-origin", "*") })
        #expect(!headers.contains { $0.0 == "vary" })
    }

    @Test(arguments: ["", ",", "*,https://a", "a.example", "https://", "https://a/b", "https://a b\"", "file://x"])
    func whatIsNoListOfOrigins(text: String) { #expect(AllowedOrigins(text) == nil) }
}
