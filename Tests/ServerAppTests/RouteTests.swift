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
        ("POST", "/v1/sessions", .found(.sessions, parameter: nil)),
        ("GET", "/v1/sessions/", .found(.sessions, parameter: nil)),
        ("PATCH", "/v1/sessions/a-1", .found(.session, parameter: "a-1")),
        ("DELETE", "/v1/sessions/{id}", .found(.session, parameter: "{id}")),
        ("POST", "/v1/sessions/a/fork", .found(.sessionFork, parameter: "a")),
        ("POST", "/v1/sessions/a/save/", .found(.sessionSave, parameter: "a")),
        ("POST", "/v1/sessions/a/restore", .found(.sessionRestore, parameter: "a")),
        ("GET", "/v1/sessions/a/restore", .methodNotAllowed(.sessionRestore)),
        ("PUT", "/v1/sessions/a", .methodNotAllowed(.session)),
        ("GET", "/v1/sessions/a/other", .notFound),
        ("GET", "/v1/sessions/a/fork/b", .notFound),
        ("GET", "/v1/sessions//fork", .notFound),
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
