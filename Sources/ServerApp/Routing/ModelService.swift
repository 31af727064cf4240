internal import CompletionAPI
internal import Decoding
internal import Generation
internal import KVCaching
internal import Logging
internal import Scheduling
internal import Serving

/// A loaded model with the service that runs it.
struct ModelService: Sendable {
    let model: LoadedModel
    let service: InferenceService
    /// Where sessions are saved; nil: nowhere.
    let sessionFiles: SessionStore?

    /// Starts the engine thread.
    init(
        _ model: LoadedModel, configuration: ServerConfiguration, arena: KVArena, metrics: ServiceMetrics,
        logger: Logger
    ) throws {
        let (shape, admission) = (model.decoder.configuration.cacheShape, configuration.admission)
        var settings = ServiceConfiguration(
            limits: try SchedulerLimits(
                maxSequences: admission.maxSequences, maxQueuedSequences: admission.maxQueue,
                layerCount: shape.layerCount,
                maxRowsPerStep: admission.rowsPerStep, poolBytes: arena.capacityBytes),
            contextLength: model.contextTokens, vocabularySize: model.vocabularySize, cacheShape: shape,
            usesRoPE: model.decoder.configuration.usesRoPE)
        settings.cacheDefaults = configuration.cacheDefaults
        settings.queueTimeout = admission.queueTimeout
        settings.sessions = configuration.sessions.limits
        settings.prefixes.isOn = configuration.prefixes.isOn
        settings.prefixes.mostIdleBytes = configuration.prefixes.mostIdleBytes ?? .max
        sessionFiles = try configuration.sessions.savePath.map {
            try SessionStore(path: $0, model: model, mostBytes: configuration.kvPoolBytes)
        }
        settings.onPoolFull = configuration.operation.onPoolFull
        let limits = DecodeEngine.Limits(
            maxSequences: admission.maxSequences, maxRows: max(admission.rowsPerStep, admission.maxSequences),
            threads: configuration.model.threads ?? ProcessEnvironment.availableCores())
        let handover = EngineHandover(try DecodeEngine(model: model.decoder, arena: arena, limits: limits))
        self.model = model
        service = try InferenceService(
            configuration: settings, tokenizer: model.tokenizer, metrics: metrics, logger: logger
        ) { handover.engine }
    }

    var card: ModelCard {
        ModelCard(
            id: model.name, created: model.created, ownedBy: "keyhold", maxModelLength: model.contextTokens,
            kvBytesPerToken: model.kvBytesPerToken)
    }
}

/// Carries an engine to the thread that will own it, so that a failure to make one is thrown where it can be reported.
// Sendable: the engine thread takes the engine, once, and nobody else has a reference.
private final class EngineHandover: @unchecked Sendable {
    let engine: DecodeEngine

    init(_ engine: DecodeEngine) { self.engine = engine }
}
