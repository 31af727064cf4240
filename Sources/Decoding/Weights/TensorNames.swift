/// Names of a model's tensors in one file format, by what they are for. Norms and linears are named without `.weight`
/// and `.bias`; a bias is used where the file has one.
struct TensorNames: Sendable {
    /// The order of rows in one matrix of queries, keys and values.
    enum FusedOrder: Sendable {
        /// All queries, all keys, all values.
        case byKind
        /// For each KV head its queries, its key and its value.
        case byKVHead
    }

    struct Layer: Sendable {
        /// nil: attention takes the residual stream as it is.
        var attentionNorm: String?
        /// Query, key and value: one fused matrix, or three.
        var queryKeyValue: [String]
        /// Of a fused one.
        var fusedOrder = FusedOrder.byKind
        /// One norm for each head or all of them, or one for each in turn; none where nothing is normalised.
        var queryNorm: [String] = []
        var keyNorm: [String] = []
        var attentionOutput: String
        var attentionPostNorm: String?
        /// nil where a parallel block has one norm, and where a sequential one has none in front.
        var feedForwardNorm: String?
        /// Only in gated feed-forwards. The name of `up` where one matrix holds the gate's rows and then those of `up`.
        var gate: String?
        var up: String
        var down: String
        var feedForwardPostNorm: String?
        /// Where some layers are mixtures.
        var experts: Experts?
    }

    /// The parts of a mixture.
    struct Experts: Sendable {
        var router: String
        var gate: Part
        var up: Part
        var down: Part

        enum Part: Sendable {
            /// One matrix for each expert.
            case each(@Sendable (Int) -> String)
            /// [experts, out, in], whole names.
            case stacked(String)
        }
    }

    var embedding: String
    /// Only with learned positions.
    var positionEmbedding: String?
    var finalNorm: String
    /// Used where the file has it; otherwise the embedding is the output matrix.
    var output: String
    /// Matrices are stored [in, out] (GPT-2's Conv1D).
    var isTransposed = false
    /// What is added to the weights of RMS norms: files that store w of (1 + w) say 1.
    var normOffset: Float = 0
    /// Tensors that hold nothing which the configuration does not say already: whole names, and ends of names that
    /// begin with a dot.
    var ignored: [String] = []
    var layer: @Sendable (Int) -> Layer

    /// The names with every layer's changed; `change` gets the layer's names and its prefix is `prefix(index)`.
    func changingLayers(_ change: @escaping @Sendable (inout Layer, Int) -> Void) -> TensorNames {
        var names = self
        let layer = layer
        names.layer = { index in
            var changed = layer(index)
            change(&changed, index)
            return changed
        }
        return names
    }
}

extension TensorNames {
    /// The names that Llama's descendants share in Hugging Face files.
    static let huggingFace = TensorNames(
        embedding: "model.embed_tokens", positionEmbedding: nil, finalNorm: "model.norm", output: "lm_head",
        ignored: [".rotary_emb.inv_freq"],
        layer: { index in
            let prefix = "model.layers.\(index)."
            return Layer(
                attentionNorm: prefix + "input_layernorm",
                queryKeyValue: ["q", "k", "v"].map { prefix + "self_attn.\($0)_proj" },
                attentionOutput: prefix + "self_attn.o_proj", feedForwardNorm: prefix + "post_attention_layernorm",
                gate: prefix + "mlp.gate_proj", up: prefix + "mlp.up_proj", down: prefix + "mlp.down_proj")
        })

    /// GGUF names every family's tensors alike; `fused` is for families that store query, key and value as one matrix.
    static func gguf(fused: Bool, gated: Bool, learnedPositions: Bool = false, parallel: Bool = false) -> TensorNames {
        TensorNames(
            embedding: "token_embd", positionEmbedding: learnedPositions ? "position_embd" : nil,
            finalNorm: "output_norm", output: "output",
            ignored: ["rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"],
            layer: { index in
                let prefix = "blk.\(index)."
                return Layer(
                    attentionNorm: prefix + "attn_norm",
                    queryKeyValue: fused ? [prefix + "attn_qkv"] : ["q", "k", "v"].map { prefix + "attn_" + $0 },
                    attentionOutput: prefix + "attn_output", feedForwardNorm: parallel ? nil : prefix + "ffn_norm",
                    gate: gated ? prefix + "ffn_gate" : nil, up: prefix + "ffn_up", down: prefix + "ffn_down")
            })
    }

    /// With norms of queries and keys under GGUF's names.
    func withQueryKeyNorms() -> TensorNames {
        changingLayers { layer, index in
            layer.queryNorm = ["blk.\(index).attn_q_norm"]
            layer.keyNorm = ["blk.\(index).attn_k_norm"]
        }
    }

    /// With norms behind attention and feed-forward under GGUF's names.
    func withPostNorms() -> TensorNames {
        changingLayers { layer, index in
            layer.attentionPostNorm = "blk.\(index).post_attention_norm"
            layer.feedForwardPostNorm = "blk.\(index).post_ffw_norm"
        }
    }

    /// With mixtures under GGUF's names.
    func withExperts() -> TensorNames {
        changingLayers { layer, index in
            let prefix = "blk.\(index).ffn_"
            layer.experts = Experts(
                router: prefix + "gate_inp", gate: .stacked(prefix + "gate_exps.weight"),
                up: .stacked(prefix + "up_exps.weight"), down: .stacked(prefix + "down_exps.weight"))
        }
    }
}

extension ModelConfiguration {
    /// The rows of a matrix fused by KV head in the order of kinds.
    var rowsByKind: [Int] {
        let group = queryHeads / kvHeads
        func rows(_ head: Int, _ part: Int) -> Range<Int> {
            let first = (head * (group + 2) + part) * headDim
            return first..<first + headDim
        }
        let heads = 0..<kvHeads
        return heads.flatMap { head in (0..<group).flatMap { rows(head, $0) } }
            + heads.flatMap { rows($0, group) } + heads.flatMap { rows($0, group + 1) }
    }
}
