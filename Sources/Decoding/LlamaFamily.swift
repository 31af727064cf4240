internal import JSON

extension ModelFamily {
    /// Llama (Touvron et al., arXiv 2302.13971): RMSNorm, RoPE over the whole head, grouped queries, SwiGLU.
    static let llama = ModelFamily(
        name: "llama", huggingFaceTypes: ["llama"], ggufArchitectures: ["llama"],
        huggingFaceConfiguration: { config in
            try config.require("hidden_act", oneOf: ["silu"], default: "silu")
            try config.requireNull("rope_scaling", unless: { $0["rope_type"] ?? $0["type"] }, is: "default")
            try config.requireNull("quantization_config")
            let (hidden, heads) = (try config.count("hidden_size"), try config.count("num_attention_heads"))
            let headDim = try config.count("head_dim", default: hidden / heads)
            let theta = try config.ropeTheta(default: 10_000)
            return ModelConfiguration(
                family: "llama", vocabularySize: try config.count("vocab_size"),
                contextLength: try config.count("max_position_embeddings", default: 2048),
                layerCount: try config.count("num_hidden_layers"), hiddenSize: hidden,
                feedForwardSize: try config.count("intermediate_size"), queryHeads: heads,
                kvHeads: try config.count("num_key_value_heads", default: heads), headDim: headDim,
                normalization: .rms(epsilon: try config.number("rms_norm_eps", default: 1e-6)),
                positions: .rope(rotaryDim: headDim, theta: theta, interleaved: false), activation: .siluGated,
                block: .sequential)
        },
        ggufConfiguration: { gguf in
            try gguf.require("rope.scaling.type", oneOf: ["none"], default: "none")
            try gguf.requireNoTensor("rope_freqs.weight", meaning: "Llama 3 RoPE scaling")
            try gguf.requireZero("expert_count", meaning: "mixture of experts")
            let (hidden, heads) = (try gguf.count("embedding_length"), try gguf.count("attention.head_count"))
            let headDim = try gguf.count("attention.key_length", default: hidden / heads)
            return ModelConfiguration(
                family: "llama", vocabularySize: try gguf.vocabularySize(),
                contextLength: try gguf.count("context_length"),
                layerCount: try gguf.count("block_count"), hiddenSize: hidden,
                feedForwardSize: try gguf.count("feed_forward_length"), queryHeads: heads,
                kvHeads: try gguf.count("attention.head_count_kv", default: heads), headDim: headDim,
                normalization: .rms(epsilon: try gguf.number("attention.layer_norm_rms_epsilon")),
                positions: .rope(
                    rotaryDim: try gguf.count("rope.dimension_count", default: headDim),
                    theta: Double(try gguf.number("rope.freq_base", default: 10_000)), interleaved: true),
                activation: .siluGated, block: .sequential)
        },
        huggingFaceNames: { _ in
            TensorNames(
                embedding: "model.embed_tokens", positionEmbedding: nil, finalNorm: "model.norm", output: "lm_head",
                layer: { index in
                    let prefix = "model.layers.\(index)."
                    return TensorNames.Layer(
                        attentionNorm: prefix + "input_layernorm",
                        queryKeyValue: ["q", "k", "v"].map { prefix + "self_attn.\($0)_proj" },
                        attentionOutput: prefix + "self_attn.o_proj",
                        feedForwardNorm: prefix + "post_attention_layernorm",
                        gate: prefix + "mlp.gate_proj", up: prefix + "mlp.up_proj", down: prefix + "mlp.down_proj")
                })
        },
        ggufNames: { _ in .gguf(fused: false, gated: true) })
}
