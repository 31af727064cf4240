internal import Serving

/// Takes what the engine says about a request and brings it to the client.
protocol Answer: AnyObject, Sendable {
    /// Called on the engine's thread, in the order of the events; returns at once.
    func receive(_ event: ServiceEvent)
}
