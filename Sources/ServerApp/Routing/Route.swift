/// Everything the server answers, in one table.
public enum Route: String, CaseIterable, Sendable {
    case completions = "/v1/completions"
    case chatCompletions = "/v1/chat/completions"
    case models = "/v1/models"
    case model = "/v1/models/{id}"
    case health = "/health"
    case ready = "/ready"
    case live = "/live"
    case metrics = "/metrics"
    case status = "/status"

    /// The methods that do something; HEAD comes with GET, OPTIONS with everything.
    public var methods: [String] {
        switch self {
        case .completions, .chatCompletions: ["POST"]
        default: ["GET", "HEAD"]
        }
    }

    /// The methods that an `Allow` header names.
    var allowedMethods: [String] { methods + ["OPTIONS"] }

    /// The value of an `Allow` header.
    var allow: String { allowedMethods.joined(separator: ", ") }

    /// What a request line leads to.
    enum Match: Equatable {
        /// `parameter` is the path's part in the place of `{id}`.
        case found(Route, parameter: String?)
        case options(Route)
        case methodNotAllowed(Route)
        case notFound

        /// The route, where the path has one.
        var route: Route? {
            switch self {
            case .found(let route, _), .options(let route), .methodNotAllowed(let route): route
            case .notFound: nil
            }
        }
    }

    /// Finds the route of a normalised path without query. One slash at the end is overlooked.
    static func match(method: String, path: String) -> Match {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard let (route, parameter) = find(path) else { return .notFound }
        if method == "OPTIONS" { return .options(route) }
        return route.methods.contains(method) ? .found(route, parameter: parameter) : .methodNotAllowed(route)
    }

    private static func find(_ path: String) -> (Route, String?)? {
        if let route = Route(rawValue: path), route != .model { return (route, nil) }
        let prefix = Route.models.rawValue + "/"
        guard path.hasPrefix(prefix), path.count > prefix.count else { return nil }
        return (.model, String(path.dropFirst(prefix.count)))
    }
}
