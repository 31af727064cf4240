internal import KVCaching
internal import ModelFiles
internal import Tensors

/// A model's configuration as GGUF's keys, without the architecture in front, and the tensors that belong to it.
struct GGUFModelMetadata {
    private(set) var entries: [(key: String, value: GGUFFileWriter.Value)] = []
    private(set) var tensors: [GGUFPlannedTensor] = []
    /// The file that the configuration came from, for errors.
    private let file: String

    init(_ model: ModelConfiguration, file: String) throws(ModelError) {
        self.file = file
        set("vocab_size", model.vocabularySize)
        set("context_length", model.contextLength)
        set("embedding_length", model.hiddenSize)
        set("block_count", model.layerCount)
        set("feed_forward_length", model.feedForward.size)
        set("attention.head_count", model.queryHeads)
        set("attention.head_count_kv", model.kvHeads)
        set("attention.key_length", model.headDim)
        set("attention.value_length", model.headDim)
        switch model.normalization {
        case .rms(let epsilon): set("attention.layer_norm_rms_epsilon", epsilon)
        case .layer(let epsilon): set("attention.layer_norm_epsilon", epsilon)
        }
        if let cap = model.attentionSoftCap { set("attn_logit_softcapping", cap) }
        if let cap = model.finalSoftCap { set("final_logit_softcapping", cap) }
        if let bound = model.queryKeyValueBound { set("attention.clamp_kqv", bound) }
        if model.family == "gptneox" { entries.append(("use_parallel_residual", .bool(model.block == .parallel))) }
        setExperts(model)
        setWindows(model)
        try setPositions(model)
    }

    private mutating func set(_ key: String, _ number: Int) { entries.append((key, .uint32(UInt32(number)))) }

    private mutating func set(_ key: String, _ number: Float) { entries.append((key, .float32(number))) }

    private mutating func setExperts(_ model: ModelConfiguration) {
        guard let experts = model.layers.compactMap(\.experts).first else { return }
        set("expert_count", experts.count)
        set("expert_used_count", experts.used)
        if experts.size != model.feedForward.size { set("expert_feed_forward_length", experts.size) }
    }

    private mutating func setWindows(_ model: ModelConfiguration) {
        guard let window = model.layers.compactMap(\.window).first else { return }
        set("attention.sliding_window", window)
        // The reader's own pattern where this one says nothing.
        let global = model.layers.firstIndex { $0.window == nil }
        if let global, model.family == "gemma3", global != 5 { set("attention.sliding_window_pattern", global + 1) }
    }

    private mutating func setPositions(_ model: ModelConfiguration) throws(ModelError) {
        if case .alibi(let bias) = model.layers[0].positions { set("attention.max_alibi_bias", Float(bias)) }
        func rope(_ layer: ModelConfiguration.Layer) -> RotaryEmbedding? {
            if case .rope(let rope) = layer.positions { rope } else { nil }
        }
        let all = model.layers.compactMap(rope)
        guard let any = all.first else { return }
        let main = model.layers.first { $0.window == nil && rope($0) != nil }.flatMap(rope) ?? any
        set("rope.dimension_count", main.dimension)
        set("rope.freq_base", Float(main.theta))
        if let local = all.first(where: { $0 != main }) { set("rope.freq_base_swa", Float(local.theta)) }
        try setScaling(main)
    }

    private mutating func setScaling(_ rope: RotaryEmbedding) throws(ModelError) {
        func setType(_ type: String, _ factor: Double) {
            entries.append(("rope.scaling.type", .string(type)))
            set("rope.scaling.factor", Float(factor))
        }
        switch rope.scaling {
        case .none: break
        case .linear(let factor): setType("linear", factor)
        case .dynamic:
            throw .unsupported(
                file: file, field: "rope_scaling", found: "dynamic", wanted: "a scaling that GGUF has")
        case .divided(let divisors): addFactors("rope_freqs", divisors)
        case .llama3:
            let plain = RotaryEmbedding(dimension: rope.dimension, theta: rope.theta, interleaved: false)
            let pairs = zip(plain.frequencies(tokens: 1).inverse, rope.frequencies(tokens: 1).inverse)
            addFactors("rope_freqs", pairs.map { $0 / $1 })
        case .yarn(let yarn):
            setType("yarn", yarn.factor)
            set("rope.scaling.original_context_length", yarn.originalContext)
            set("rope.scaling.yarn_beta_fast", Float(yarn.betaFast))
            set("rope.scaling.yarn_beta_slow", Float(yarn.betaSlow))
            let share = yarn.magnitude / RotaryEmbedding.YaRN.magnitude(factor: yarn.factor)
            if share != 1 { set("rope.scaling.attn_factor", Float(share)) }
        case .longRoPE(let short, let long, let original, let magnitude):
            set("rope.scaling.original_context_length", original)
            set("rope.scaling.attn_factor", Float(magnitude))
            addFactors("rope_factors_long", long)
            addFactors("rope_factors_short", short)
        }
    }

    private mutating func addFactors(_ name: String, _ numbers: [Double]) {
        tensors.append(
            GGUFPlannedTensor(name: name + ".weight", shape: [numbers.count], isMatrix: false) {
                Tensor(shape: [numbers.count], values: numbers.map(Float.init))
            })
    }
}
