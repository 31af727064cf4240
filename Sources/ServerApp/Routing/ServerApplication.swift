internal import CompletionAPI
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
        ProcessMetrics.register(in: registry)
        registry.info("keyhold_build_info", "Which program answers.", ["version": ProductVersion.number])
    }

    // MARK: Phases

    /// The model is there: requests are taken from now on, unless the server ends already.
    func serve(_ service: ModelService) {
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
        registry.gauge("keyhold_connections", "Open client connections.") { [weak front] in
            Double(front?.connectionCount ?? 0)
        }
    }

    // MARK: Requests

    /// Takes a request from the front. Called on a loop thread, returns at once.
    func handle(_ exchange: HTTPExchange) {
        let match = Route.match(method: exchange.method, path: exchange.path)
        let report = RequestReport(
            identity: RequestReport.Identity(
                requestID: RequestIdentity.accepted(exchange.header("x-request-id")) ?? RequestIdentity.minted(),
                method: exchange.method, path: exchange.path, remoteAddress: exchange.remoteAddress,
                route: match.route),
            logger: logger, metrics: metrics)
        let channel = AnswerChannel(exchange: exchange, call: ClientCall(), report: report)
        exchange.onClosed { [call = channel.call] reason in
            call.closed(reason)
            report.closed(clientGone: reason != .complete)
        }
        switch match {
        case .notFound: channel.respond(.pathNotFound(exchange.path))
        case .methodNotAllowed(let route):
            channel.respond(.methodNotAllowed(exchange.method, allowed: route.allowedMethods))
        case .options(let route):
            channel.respond(status: 204, contentType: "application/json", body: [], headers: [("allow", route.allow)])
        case .found(let route, let parameter): answer(route, parameter, channel)
        }
    }

    private func answer(_ route: Route, _ parameter: String?, _ channel: AnswerChannel) {
        switch route {
        case .live: channel.respond(json: Self.okBody)
        case .metrics:
            channel.respond(
                status: 200, contentType: PrometheusText.contentType, body: Array(registry.prometheusText().utf8))
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
            let preparation = RequestPreparation(
                model: service.model, strictFields: configuration.front.strictFields,
                sessionHeader: channel.exchange.header("x-session-id"))
            let body = channel.exchange.body
            let request = route == .chatCompletions ? try preparation.chat(body) : try preparation.completion(body)
            unknownFields.increment(by: request.unknownFields.count)
            try submit(request, to: service, channel)
        } catch {
            channel.respond(error)
        }
    }

    private func submit(
        _ request: PreparedRequest, to service: ModelService, _ channel: AnswerChannel
    ) throws(APIError) {
        let answer = answer(to: request, channel)
        let turn = request.session.map { session in
            SessionTurn(
                key: SessionKey(owner: sessionOwner(channel), id: session.id),
                mode: session.isRebase ? .rebase : .append)
        }
        do throws(SubmitError) {
            let handle = try service.service.submit(request.requests, session: turn, deadline: nil) { event in
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
