internal import Serving

/// Takes what the engine says about a request and brings it to the client.
protocol Answer: AnyObject, Sendable {
    /// Called on the answers' thread, in the order of the events.
    func receive(_ event: ServiceEvent)
}
