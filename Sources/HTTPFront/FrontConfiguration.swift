/// What a `FrontServer` listens on, and its limits. Sizes are in bytes.
///
/// The memory that clients can make the front hold is bounded by `maxConnections` times `maxBodyBytes` (requests being
/// received) and `maxConnections` times `maxQueuedBytes` (streams whose clients do not read).
public struct FrontConfiguration: Sendable {
    /// A numeric IPv4 or IPv6 address, `localhost`, or `unix:/path/to.socket`. `::` serves IPv4 clients as well.
    public var host = "127.0.0.1"
    /// The TCP port; 0 takes any free one, see `FrontServer.port`.
    public var port = 0
    /// HTTPS with this certificate; nil is clear text.
    public var tls: FrontTLS?
    /// Threads that read and write sockets. One serves tens of thousands of requests a second.
    public var loopThreads = 1
    /// Larger request bodies get a 413, without being read first if their length is announced.
    public var maxBodyBytes = 16 << 20
    /// Larger request heads get a 431. At most 417 kB and 100 fields, beyond which libh2o answers 400 by itself.
    public var maxHeaderBytes = 64 << 10
    /// Connections served at once; further ones wait in the system's queue until one ends or has idled for a second.
    public var maxConnections = 1024
    /// Connections of one address, of IPv6 of one network of 64 bits; further ones are closed at once. 0: no such
    /// limit.
    public var maxConnectionsPerAddress = 0
    /// Addresses of this machine have no limit of their own: a proxy on it brings the connections of everybody.
    public var sparesLoopback = true
    /// From the first byte of a request to the last byte of its body. Absolute, so dripping bytes do not help.
    public var requestTimeout: Duration = .seconds(30)
    /// How long a connection may stay open between requests.
    public var idleTimeout: Duration = .seconds(75)
    /// How long a client may take nothing at all while bytes wait for it.
    public var writeStallTimeout: Duration = .seconds(30)
    /// `HTTPStream.onDrain` is called when the queue of a stream falls to this size.
    public var drainThresholdBytes = 64 << 10
    /// A stream whose queue would grow beyond this is cut, as one whose client does not read.
    public var maxQueuedBytes = 4 << 20
    /// `content-type` of `errorBody`.
    public var errorContentType = "application/json"
    /// The body of the front's own refusals: status and one English sentence in, body out. Called while the server
    /// starts, once for each refusal.
    public var errorBody: @Sendable (_ status: Int, _ message: String) -> [UInt8] = { Array($1.utf8) }

    /// Called on a loop thread with the status of each request that was refused before the handler could see it: 400,
    /// 408, 413, 417 or 431; with 429 for a connection of an address that has too many. For counting; it must not
    /// block.
    public var onRefusal: @Sendable (_ status: Int) -> Void = { _ in }

    /// The defaults: any port of 127.0.0.1.
    public init() {}

    /// Checks every limit.
    func validate() throws(FrontError) {
        func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(FrontError) {
            guard range.contains(value) else { throw .outOfRange(name: name, value: value, allowed: range) }
        }
        guard !host.utf8.contains(0) else { throw .badHost(host) }
        let bytes = 1...(1 << 40)
        try check("port", port, 0...65535)
        try check("loopThreads", loopThreads, 1...64)
        try check("maxBodyBytes", maxBodyBytes, bytes)
        try check("maxHeaderBytes", maxHeaderBytes, 256...(408 << 10))
        try check("maxConnections", maxConnections, 1...1_000_000)
        try check("maxConnectionsPerAddress", maxConnectionsPerAddress, 0...1_000_000)
        try check("drainThresholdBytes", drainThresholdBytes, 0...(1 << 40))
        try check("maxQueuedBytes", maxQueuedBytes, bytes)
        let milliseconds = 1...86_400_000
        try check("requestTimeout (ms)", requestTimeout.wholeMilliseconds, milliseconds)
        try check("idleTimeout (ms)", idleTimeout.wholeMilliseconds, milliseconds)
        try check("writeStallTimeout (ms)", writeStallTimeout.wholeMilliseconds, milliseconds)
    }
}

extension Duration {
    /// Milliseconds rounded towards zero; saturated to the range that fits.
    var wholeMilliseconds: Int {
        let seconds = min(max(components.seconds, -4_000_000), 4_000_000)
        return Int(seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
