/// Everything the server answers, in one table.
public enum Route: String, CaseIterable, Sendable {
    case completions = "/v1/completions"
    case chatCompletions = "/v1/chat/completions"
    case models = "/v1/models"
    case model = "/v1/models/{id}"
    case sessions = "/v1/sessions"
    case session = "/v1/sessions/{id}"
    case sessionFork = "/v1/sessions/{id}/fork"
    case sessionSave = "/v1/sessions/{id}/save"
    case sessionRestore = "/v1/sessions/{id}/restore"
    case health = "/health"
    case ready = "/ready"
    case live = "/live"
    case metrics = "/metrics"
    case status = "/status"

    /// The methods that do something; HEAD comes with GET, OPTIONS with everything.
    public var methods: [String] {
        switch self {
        case .completions, .chatCompletions, .sessionFork, .sessionSave, .sessionRestore: ["POST"]
        case .sessions: ["GET", "HEAD", "POST"]
        case .session: ["GET", "HEAD", "PATCH", "DELETE"]
        default: ["GET", "HEAD"]
        }
    }

    /// The route as a label of metrics: the calls about sessions share one, and those about models.
    var label: String {
        switch self {
        case .session, .sessionFork, .sessionSave, .sessionRestore: Route.sessions.rawValue
        case .model: Route.models.rawValue
        default: rawValue
        }
    }

    /// All labels.
    static var labels: [String] { allCases.map(\.rawValue).filter { Route(rawValue: $0)?.label == $0 } }

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
        if let route = Route(rawValue: path), !route.hasParameter { return (route, nil) }
        if let id = rest(of: path, after: .models) { return (.model, id) }
        guard let rest = rest(of: path, after: .sessions) else { return nil }
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        let action: Route? =
            switch parts.dropFirst().first {
            case nil: .session
            case "fork": .sessionFork
            case "save": .sessionSave
            case "restore": .sessionRestore
            default: nil
            }
        guard let action, parts.count <= 2, !parts[0].isEmpty else { return nil }
        return (action, String(parts[0]))
    }

    private var hasParameter: Bool { rawValue.utf8.contains(UInt8(ascii: "{")) }

    private static func rest(of path: String, after route: Route) -> String? {
        let prefix = route.rawValue + "/"
        guard path.hasPrefix(prefix), path.count > prefix.count else { return nil }
        return String(path.dropFirst(prefix.count))
    }
}
