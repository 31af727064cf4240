internal import CompletionAPI
internal import Generation
internal import HTTPFront
internal import KVCaching
internal import Logging
internal import Observability
internal import Serving
internal import Synchronization

/// Everything between an exchange and the engine: finds the route, prepares large requests on a thread of its own, and
/// brings the engine's events back on another. It exists before the model does and answers 503 until then.
final class ServerApplication: Sendable {
    private enum Phase {
        case loading
        case serving(ModelService)
        case draining(ModelService?)
    }

    let configuration: ServerConfiguration
    let arena: KVArena
    let metrics: ServiceMetrics
    let registry = MetricsRegistry()
    let logger: Logger
    private let phase = Mutex(Phase.loading)
    private let unknownFields: Counter
    /// Decodes large bodies and tokenises their prompts, off the loop thread and off the engine's.
    private let preparing = WorkerThread(name: "keyhold-prepare")
    /// Writes answers, off the engine's thread.
    let answering = WorkerThread(name: "keyhold-answer")
    /// Reads and writes files of sessions.
    let filing = WorkerThread(name: "keyhold-files")
    private let pings: StreamPings?
    let overload: APIError.OverloadStatus
    let gate: AccessGate
    private let sinks: ReportSinks
    private let startedAt = ContinuousClock.now
    private let front = Mutex<Front>(Front())

    /// The listener, once it is there.
    private struct Front {
        weak var server: FrontServer?
    }

    init(_ configuration: ServerConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        let arena = KVArena(capacityBytes: configuration.kvPoolBytes)
        self.arena = arena
        metrics = ServiceMetrics(
            registry: registry, poolBytes: configuration.kvPoolBytes, endpoints: Route.labels,
            usedBytes: { arena.usedBytes })
        unknownFields = registry.counter("keyhold_unknown_fields_total", "Request fields that have no meaning here.")
        overload = APIError.OverloadStatus(rawValue: configuration.admission.overloadStatus) ?? .tooManyRequests
        let answering = answering
        pings = configuration.front.ssePing.map { StreamPings(silence: $0, post: answering.post) }
        gate = AccessGate(configuration.operation.keys, registry: registry)
        sinks = ReportSinks(logger: logger, metrics: metrics, gate: gate, live: LiveReports())
        ProcessMetrics.register(in: registry)
        registry.gauge("keyhold_model_loaded", "1 when the model is there and requests are taken.") { [weak self] in
            if case .serving? = self?.phase.withLock({ $0 }) { 1 } else { 0 }
        }
        registry.info("keyhold_build_info", "Which program answers.", ["version": ProductVersion.number])
    }

    // MARK: Phases

    /// The model is there: requests are taken from now on, unless the server ends already.
    func serve(_ service: ModelService) {
        let tokenBytes = service.model.kvBytesPerToken
        metrics.modelLoaded(in: registry, tokenBytes: tokenBytes, policy: configuration.cacheDefaults.policy ?? "")
        if configuration.operation.showsVLLMMetrics {
            metrics.showVLLMNames(in: registry, model: service.model.name, tokenBytes: tokenBytes)
        }
        phase.withLock { phase in
            switch phase {
            case .loading: phase = .serving(service)
            case .draining: phase = .draining(service)
            case .serving: break
            }
        }
    }

    /// Refuses new work and waits for what runs, at most for `grace`. False if the time ran out.
    func drain(within grace: Duration) -> Bool {
        let service = phase.withLock { phase -> ModelService? in
            switch phase {
            case .loading: phase = .draining(nil)
            case .serving(let service): phase = .draining(service)
            case .draining: break
            }
            if case .draining(let service) = phase { return service }
            return nil
        }
        return service?.service.drain(within: grace) ?? true
    }

    /// Turns of the engine's thread so far, which asking makes it take; nil while there is no engine.
    var engineTurns: UInt64? {
        switch phase.withLock({ $0 }) {
        case .loading, .draining(nil): nil
        case .serving(let service), .draining(let service?): service.service.engineTurns()
        }
    }

    /// Ends what still runs.
    func stop() {
        if case .draining(let service?) = phase.withLock({ $0 }) { service.service.stop() }
    }

    /// The service, or the answer while there is none.
    func serving() throws(APIError) -> ModelService {
        switch phase.withLock({ $0 }) {
        case .loading: throw .loading
        case .draining: throw .draining
        case .serving(let service): return service
        }
    }

    /// Shows the front's open connections in the metrics.
    func watch(_ front: FrontServer) {
        self.front.withLock { $0.server = front }
        registry.gauge("keyhold_connections", "Open client connections.") { [weak front] in
            Double(front?.connectionCount ?? 0)
        }
    }

    // MARK: Requests

    /// Takes a request from the front. Called on a loop thread, returns at once.
    func handle(_ exchange: HTTPExchange, on listener: Listener = .main) {
        let match = match(exchange, on: listener)
        let preflight = preflightHeaders(exchange, match)
        let isKnown = preflight != nil || listener == .metrics
        let admission = isKnown ? AccessGate.Admission() : gate.admit(exchange, match)
        let channel = channel(for: exchange, match, admission)
        exchange.onClosed { [call = channel.call, report = channel.report] reason in
            call.closed(reason)
            report.closed(clientGone: reason != .complete)
        }
        if case .failure(let refusal) = admission.result { return channel.respond(refusal) }
        if isForgedByAPage(exchange) { return channel.respond(.originNotAllowed) }
        switch match {
        case .notFound: channel.respond(.pathNotFound(exchange.path))
        case .methodNotAllowed(let route):
            channel.respond(.methodNotAllowed(exchange.method, allowed: route.allowedMethods))
        case .options(let route):
            channel.respond(
                status: 204, contentType: "application/json", body: [],
                headers: [("allow", route.allow)] + (preflight ?? []))
        case .found(let route, let parameter): answer(route, parameter, channel)
        }
    }

    /// Without keys nothing but the origin tells a page that a browser shows from its user. Reading needs no check: the
    /// page does not see the answer.
    private func isForgedByAPage(_ exchange: HTTPExchange) -> Bool {
        guard !gate.needsKey, !["GET", "HEAD", "OPTIONS"].contains(exchange.method) else { return false }
        return configuration.operation.origins.refuses(
            origin: exchange.header("origin"), host: exchange.header("host"))
    }

    /// What exists on another listener only does not exist.
    private func match(_ exchange: HTTPExchange, on listener: Listener) -> Route.Match {
        let match = Route.match(method: exchange.method, path: exchange.path)
        let isSplit = configuration.operation.metricsListen != nil
        guard let route = match.route, listener.carries(route, isSplit: isSplit) else { return .notFound }
        return match
    }

    private func channel(
        for exchange: HTTPExchange, _ match: Route.Match, _ admission: AccessGate.Admission
    ) -> AnswerChannel {
        let caller = try? admission.result.get()
        let identity = RequestReport.Identity(
            requestID: RequestIdentity.accepted(exchange.header("x-request-id")) ?? RequestIdentity.minted(),
            method: exchange.method, path: exchange.path, remoteAddress: exchange.remoteAddress, key: caller?.name,
            route: match.route)
        return AnswerChannel(
            exchange: exchange, call: ClientCall(),
            report: RequestReport(identity: identity, sinks: sinks),
            caller: caller ?? .anonymous,
            moreHeaders: configuration.operation.origins.headers(origin: exchange.header("origin"))
                + admission.headers)
    }

    /// What a browser hears that asks before it sends a request from another origin; nil for any other request, and
    /// for an origin that may not. A browser sends no key with the question.
    private func preflightHeaders(_ exchange: HTTPExchange, _ match: Route.Match) -> [(String, String)]? {
        guard case .options(let route) = match, exchange.header("access-control-request-method") != nil else {
            return nil
        }
        return configuration.operation.origins.preflightHeaders(
            origin: exchange.header("origin"), methods: route.allowedMethods)
    }

    private func answer(_ route: Route, _ parameter: String?, _ channel: AnswerChannel) {
        switch route {
        case .live: channel.respond(json: Self.okBody)
        case .metrics:
            channel.respond(
                status: 200, contentType: PrometheusText.contentType, body: Array(registry.prometheusText().utf8))
        case .status: channel.respond(json: status().body())
        case .completions, .chatCompletions:
            // Waking a thread takes longer than a small body.
            if channel.exchange.body.count <= Self.smallBodyBytes {
                generate(route, channel)
            } else {
                preparing.post { self.generate(route, channel) }
            }
        case .sessions, .session, .sessionFork, .sessionSave, .sessionRestore:
            sessionCall(route, parameter ?? "", channel)
        case .health, .ready, .models, .model:
            do throws(APIError) {
                channel.respond(json: try body(of: route, parameter, try serving()))
            } catch {
                channel.respond(error)
            }
        }
    }

    private func status() -> ServerStatus {
        let (name, service): (String, ModelService?) =
            switch phase.withLock({ $0 }) {
            case .loading: ("loading", nil)
            case .serving(let service): ("serving", service)
            case .draining(let service): ("draining", service)
            }
        return ServerStatus(
            model: service?.model.name, phase: name, uptimeSeconds: (ContinuousClock.now - startedAt) / .seconds(1),
            totals: metrics.totals, connections: front.withLock { $0.server?.connectionCount } ?? 0,
            live: sinks.live.snapshots)
    }

    /// Bodies up to this size are prepared on the loop thread, in some tens of microseconds.
    private static let smallBodyBytes = 2048

    private static let okBody = Array(#"{"status":"ok"}"#.utf8)

    private func body(of route: Route, _ parameter: String?, _ service: ModelService) throws(APIError) -> [UInt8] {
        switch route {
        case .models: return ModelCard.list([service.card])
        case .model:
            guard parameter == service.model.name else { throw .modelNotFound(parameter ?? "") }
            return service.card.body()
        default: return Self.okBody
        }
    }

    /// Decodes, tokenises and submits a generation. On the preparing thread, or for small bodies on a loop thread.
    private func generate(_ route: Route, _ channel: AnswerChannel) {
        guard !channel.call.isGone else { return channel.report.complete() }
        do throws(APIError) {
            let service = try serving()
            channel.report.asked(model: service.model.name)
            let preparation = RequestPreparation(
                model: service.model, strictFields: configuration.front.strictFields,
                sessionHeader: channel.exchange.header("x-session-id"))
            let body = channel.exchange.body
            let request = route == .chatCompletions ? try preparation.chat(body) : try preparation.completion(body)
            unknownFields.increment(by: request.unknownFields.count)
            if let session = request.session { channel.report.asked(session: session.id) }
            try submit(request, to: service, channel)
        } catch {
            channel.respond(error)
        }
    }

    private func submit(
        _ request: PreparedRequest, to service: ModelService, _ channel: AnswerChannel
    ) throws(APIError) {
        let terms = try channel.caller.terms(priority: request.requests.first?.priority)
        let answer = answer(to: request, channel)
        let turn = request.session.map { session in
            SessionTurn(
                key: SessionKey(owner: sessionOwner(channel), id: session.id),
                mode: session.isRebase ? .rebase : .append)
        }
        do throws(SubmitError) {
            let handle = try service.service.submit(
                request.requests, session: turn, deadline: nil, terms: terms
            ) { event in
                answer.receive(event)
            }
            channel.call.attach(handle)
        } catch {
            throw APIError(error, promptParam: request.promptParam, overload: overload)
        }
    }

    private func answer(to request: PreparedRequest, _ channel: AnswerChannel) -> any Answer {
        let answering = answering
        guard request.isStreamed else {
            return WholeAnswer(request, channel: channel, overload: overload, post: answering.post)
        }
        let answer = StreamedAnswer(request, channel: channel, overload: overload, post: answering.post)
        pings?.watch(answer)
        return answer
    }
}
