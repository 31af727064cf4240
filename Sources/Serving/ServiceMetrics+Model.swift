public import Observability

/// Metrics that need the model, and the service's numbers for those who do not read Prometheus.
extension ServiceMetrics {
    /// What a status shows.
    public struct Totals: Sendable, Equatable {
        public var running, waiting: Int
        public var poolBytes, reservedBytes, usedBytes: Int
        public var promptTokens, cachedTokens, generatedTokens, evictedTokens: Int
        /// Blocks of prompts that running sequences use, and those that nobody uses.
        public var prefixUsedBytes, prefixIdleBytes: Int
    }

    /// The numbers as of now.
    public var totals: Totals {
        Totals(
            running: Int(running.value), waiting: Int(waiting.value), poolBytes: poolBytes,
            reservedBytes: Int(pool[.reserved]?.value ?? 0), usedBytes: heldBytes,
            promptTokens: Int(promptTokens.value), cachedTokens: Int(cachedTokens.value),
            generatedTokens: Int(generationTokens.value), evictedTokens: Int(evictedTokens.sum),
            prefixUsedBytes: prefixes.usedBytes, prefixIdleBytes: prefixes.idleBytes)
    }

    /// Registers what is known once the model is loaded. `tokenBytes` are the bytes of a token in an unpruned cache.
    public func modelLoaded(in registry: MetricsRegistry, tokenBytes: Int, policy: String) {
        let perToken = Double(max(1, tokenBytes))
        registry.gauges(
            "keyhold_kv_tokens", "The pool in tokens of an unpruned f16 cache.", label: "state",
            [
                "total": { [poolBytes] in (Double(poolBytes) / perToken).rounded(.down) },
                "reserved": { [pool] in ((pool[.reserved]?.value ?? 0) / perToken).rounded(.up) },
                "used": { [self] in (Double(heldBytes) / perToken).rounded(.up) },
            ])
        registry.info(
            "keyhold_kv_config_info", "How the KV pool is divided.",
            [
                "block_size": "1", "policy": policy, "bytes_per_token": "\(tokenBytes)",
                "pool_tokens": "\(poolBytes / max(1, tokenBytes))",
            ])
    }

    /// Shows the metrics that dashboards, autoscalers and the Kubernetes inference gateway know from vLLM under
    /// vLLM's names too. A block is one token of an unpruned cache.
    public func showVLLMNames(in registry: MetricsRegistry, model: String, tokenBytes: Int) {
        let labels: KeyValuePairs = ["model_name": model, "engine": "0"]
        registry.alias("vllm:num_requests_running", "Sequences that hold cache memory.", labels: labels, of: running)
        registry.alias("vllm:num_requests_waiting", "Sequences in the queue.", labels: labels, of: waiting)
        registry.alias(
            "vllm:kv_cache_usage_perc", "Reserved share of the KV pool, 0 to 1.", labels: labels, of: usageRatio)
        registry.info(
            "vllm:cache_config_info", "The KV pool in blocks.",
            ["block_size": "1", "num_gpu_blocks": "\(poolBytes / max(1, tokenBytes))", "engine": "0"])
        registry.alias(
            "vllm:prefix_cache_queries_total", "Prompt tokens looked for among other prompts.", labels: labels,
            of: prefixes.queries)
        registry.alias(
            "vllm:prefix_cache_hits_total", "Prompt tokens found there.", labels: labels, of: prefixes.hits)
        registry.alias("vllm:prompt_tokens_total", "Prompt tokens read.", labels: labels, of: promptTokens)
        registry.alias("vllm:generation_tokens_total", "Tokens generated.", labels: labels, of: generationTokens)
        for (name, help, histogram) in [
            ("time_to_first_token_seconds", "From submission to the first token.", timeToFirstToken),
            ("inter_token_latency_seconds", "Between two tokens of a sequence.", interTokenLatency),
            ("request_time_per_output_token_seconds", "Mean time per token after the first.", timePerOutputToken),
            ("e2e_request_latency_seconds", "From submission to the end.", requestDuration),
            ("request_queue_time_seconds", "From submission to the start.", queueTime),
            ("request_prefill_time_seconds", "From the start to the prompt's end.", prefillTime),
            ("request_decode_time_seconds", "From the prompt's end to the sequence's.", decodeTime),
        ] {
            registry.alias("vllm:\(name)", help, labels: labels, of: histogram)
        }
    }
}
