/// Collects what a step has to tell and delivers it in one go, so that nobody is called while sequences are worked on.
struct Outbox {
    private var events: [(request: LiveRequest, event: ServiceEvent)] = []
    private var ended: [LiveRequest] = []

    /// Keeps `event` for delivery, in order.
    mutating func post(_ event: ServiceEvent, to request: LiveRequest) {
        events.append((request, event))
    }

    /// `request` hears nothing after what is posted now.
    mutating func close(_ request: LiveRequest) {
        ended.append(request)
    }

    /// Calls every receiver. Returns how many requests have heard their last event.
    mutating func deliver() -> Int {
        defer {
            events.removeAll(keepingCapacity: true)
            ended.removeAll(keepingCapacity: true)
        }
        for (request, event) in events { request.onEvent(event) }
        return ended.count
    }
}
