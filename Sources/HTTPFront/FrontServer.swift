internal import CFront

/// An HTTP/1.1 server on libh2o, in clear text or over TLS. It serves from the end of `init` until `stop`.
@safe
public final class FrontServer: Sendable {
    /// The C server has its own locks and is freed only here, in deinit.
    nonisolated(unsafe) let server: OpaquePointer

    /// Binds, listens and starts the loop threads.
    ///
    /// - Parameter handler: called on a loop thread for each complete and well-formed request. It must not block;
    ///   answering inside it is the cheapest way. Write it `@Sendable` outside of `main.swift`'s top level, where
    ///   closures belong to the main actor and trap on other threads.
    public init(
        _ configuration: FrontConfiguration, handler: @escaping @Sendable (HTTPExchange) -> Void
    ) throws(FrontError) {
        try configuration.validate()
        var server: OpaquePointer?
        var systemError: Int32 = 0
        let status: cf_status
        if let files = configuration.tls {
            let loaded = try LoadedTLS(files)
            status = unsafe Self.start(configuration, loaded.handle, handler, &server, &systemError)
        } else {
            status = unsafe Self.start(configuration, nil, handler, &server, &systemError)
        }
        switch status {
        case CF_STATUS_OK: break
        case CF_STATUS_BAD_HOST: throw .badHost(configuration.host)
        case CF_STATUS_SOCKET_FAILED, CF_STATUS_BIND_FAILED, CF_STATUS_LISTEN_FAILED:
            throw .cannotListen(host: configuration.host, port: configuration.port, systemError: systemError)
        default: throw .noResources(systemError: systemError)
        }
        guard let server = unsafe server else { throw .noResources(systemError: systemError) }
        unsafe self.server = server
    }

    deinit {
        stop(grace: .zero)
        unsafe cf_server_free(server)
    }

    /// The bound TCP port; 0 for a unix socket.
    public var port: Int {
        Int(unsafe cf_server_port(server))
    }

    /// Connections open now, idle ones included.
    public var connectionCount: Int {
        unsafe cf_server_connection_count(server)
    }

    /// Stops accepting, closes idle connections, lets exchanges under way finish for the length of the grace, then cuts
    /// the rest with `CloseReason.aborted`. Returns how many connections were cut.
    ///
    /// Blocks until all is over: not for a thread of Swift's own pool, and never for a loop thread. Exchanges that are
    /// still held stay safe to use. A second call waits for the first one and returns 0.
    @discardableResult
    public func stop(grace: Duration) -> Int {
        precondition(unsafe !cf_server_is_loop_thread(server), "a handler cannot stop its own server")
        return unsafe cf_server_stop(server, UInt32(clamping: grace.wholeMilliseconds))
    }

    @unsafe
    private static func start(
        _ configuration: FrontConfiguration, _ tls: OpaquePointer?,
        _ handler: @escaping @Sendable (HTTPExchange) -> Void, _ server: inout OpaquePointer?,
        _ systemError: inout Int32
    ) -> cf_status {
        let refusals = RefusalBodies(configuration)
        return unsafe configuration.host.withCString { host in
            unsafe configuration.errorContentType.withCString { contentType in
                unsafe refusals.withBodies { bodies in
                    var settings = unsafe cf_settings(configuration, tls, handler, host, contentType, bodies)
                    return unsafe cf_server_start(&settings, &server, &systemError)
                }
            }
        }
    }
}

/// Lets C hold the closures.
private final class RequestHandler: Sendable {
    let receive: @Sendable (HTTPExchange) -> Void
    let refused: @Sendable (Int) -> Void

    init(_ receive: @escaping @Sendable (HTTPExchange) -> Void, refused: @escaping @Sendable (Int) -> Void) {
        self.receive = receive
        self.refused = refused
    }
}

extension cf_settings {
    @unsafe
    fileprivate init(
        _ configuration: FrontConfiguration, _ tls: OpaquePointer?,
        _ handler: @escaping @Sendable (HTTPExchange) -> Void, _ host: UnsafePointer<CChar>,
        _ contentType: UnsafePointer<CChar>, _ bodies: UnsafePointer<cf_bytes>
    ) {
        unsafe self.init(
            host: host,
            port: UInt16(configuration.port),
            loop_count: UInt32(configuration.loopThreads),
            max_body_bytes: configuration.maxBodyBytes,
            max_head_bytes: configuration.maxHeaderBytes,
            max_connections: configuration.maxConnections,
            max_connections_per_address: configuration.maxConnectionsPerAddress,
            spares_loopback: configuration.sparesLoopback,
            request_timeout_ms: UInt32(configuration.requestTimeout.wholeMilliseconds),
            idle_timeout_ms: UInt32(configuration.idleTimeout.wholeMilliseconds),
            write_stall_timeout_ms: UInt32(configuration.writeStallTimeout.wholeMilliseconds),
            drain_threshold_bytes: configuration.drainThresholdBytes,
            max_queued_bytes: configuration.maxQueuedBytes,
            tls: tls,
            refusal_content_type: contentType,
            refusal_bodies: bodies,
            context: Unmanaged.passRetained(RequestHandler(handler, refused: configuration.onRefusal)).toOpaque(),
            on_request: { context, call, request in
                let exchange = unsafe HTTPExchange(call: call, request: request.pointee)
                unsafe Unmanaged<RequestHandler>.fromOpaque(context).takeUnretainedValue().receive(exchange)
            },
            on_refusal: { context, refusal in
                unsafe Unmanaged<RequestHandler>.fromOpaque(context).takeUnretainedValue()
                    .refused(Int(cf_refusal_status(refusal)))
            },
            release_context: { context in unsafe Unmanaged<RequestHandler>.fromOpaque(context).release() })
    }
}
