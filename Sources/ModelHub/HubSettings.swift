/// Where the hub and its cache are. The environment's names are those of Hugging Face's own tools, and so is the form
/// of the cache: what one has fetched the other finds.
public struct HubSettings: Sendable, Equatable {
    /// Address without a slash at the end.
    public var endpoint: String
    /// Folder of the cache.
    public var cache: String
    /// Sent to the hub, and to nobody it redirects to.
    public var token: String?
    /// Only the cache is asked.
    public var isOffline: Bool

    public init(endpoint: String, cache: String, token: String? = nil, isOffline: Bool = false) {
        (self.endpoint, self.cache, self.token, self.isOffline) = (endpoint, cache, token, isOffline)
    }

    /// `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE`.
    public init(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        var endpoint = value("HF_ENDPOINT") ?? "https://huggingface.co"
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        let caches = value("XDG_CACHE_HOME") ?? "\(value("HOME") ?? ".")/.cache"
        let home = value("HF_HOME") ?? "\(caches)/huggingface"
        self.init(
            endpoint: endpoint, cache: value("HF_HUB_CACHE") ?? "\(home)/hub", token: value("HF_TOKEN"),
            isOffline: ["1", "true", "yes", "on"].contains(value("HF_HUB_OFFLINE")?.lowercased()))
    }
}
