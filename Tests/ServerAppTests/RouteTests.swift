import Testing

@testable import ServerApp

/// From a request line to a route.
@Suite struct RouteTests {
    @Test(arguments: [
        ("POST", "/v1/completions", Route.Match.found(.completions, parameter: nil)),
        ("POST", "/v1/chat/completions", .found(.chatCompletions, parameter: nil)),
        ("POST", "/v1/chat/completions/", .found(.chatCompletions, parameter: nil)),
        ("GET", "/v1/models", .found(.models, parameter: nil)),
        ("GET", "/v1/models/", .found(.models, parameter: nil)),
        ("GET", "/v1/models/a/b", .found(.model, parameter: "a/b")),
        ("HEAD", "/health", .found(.health, parameter: nil)),
        ("OPTIONS", "/v1/completions", .options(.completions)),
        ("GET", "/v1/completions", .methodNotAllowed(.completions)),
        ("TRACE", "/metrics", .methodNotAllowed(.metrics)),
        ("DELETE", "/v1/models/a", .methodNotAllowed(.model)),
        ("GET", "/v1/models/{id}", .found(.model, parameter: "{id}")),
        ("GET", "/", .notFound),
        ("GET", "", .notFound),
        ("GET", "/v1", .notFound),
        ("POST", "/V1/completions", .notFound),
        ("OPTIONS", "*", .notFound),
    ])
    func requestLineLeadsToARoute(method: String, path: String, expected: Route.Match) {
        #expect(Route.match(method: method, path: path) == expected)
    }
}
