/// Which listener a request came in on, where metrics have one of their own.
enum Listener: Sendable {
    case main
    /// `metrics_listen`: for those who run the server.
    case metrics

    /// Whether a route exists here; `isSplit` says that there are two listeners.
    func carries(_ route: Route, isSplit: Bool) -> Bool {
        switch (self, route) {
        case (_, .live), (_, .ready), (_, .health): true
        case (.main, .metrics), (.main, .status): !isSplit
        case (.main, _): true
        case (.metrics, .metrics), (.metrics, .status): true
        case (.metrics, _): false
        }
    }
}
