"""Tiny random models of every family, made with transformers: name -> (configuration, reference settings)."""
import contextlib
import copy
import zlib
from dataclasses import dataclass, field

import torch
import transformers as hf

VOCAB, HIDDEN, HEADS, KV, FF, LAYERS, CONTEXT = 288, 32, 4, 2, 48, 3, 128


@dataclass
class Family:
    """One model to compare. `llama_cpp` says why llama.cpp is no reference for it, or is empty."""

    config: hf.PretrainedConfig
    tokens: int = 48
    # HF's cache holds keys of other frequencies where RoPE depends on the length.
    by_token: bool = True
    llama_cpp: str = ""
    notes: list = field(default_factory=list)


@contextlib.contextmanager
def rows_of(width):
    """Makes families of matrices with rows of `width`, which blocks of that many elements fill."""
    global HIDDEN, FF
    kept = HIDDEN, FF
    HIDDEN, FF = width, width
    try:
        yield
    finally:
        HIDDEN, FF = kept


def common(**changes):
    base = dict(
        vocab_size=VOCAB, hidden_size=HIDDEN, intermediate_size=FF, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=KV, max_position_embeddings=CONTEXT, tie_word_embeddings=False,
        bos_token_id=None, eos_token_id=None, pad_token_id=None)
    base.update(changes)
    return base


def rope(kind, theta=10000.0, **more):
    return dict(rope_type=kind, rope_theta=theta, **more)


def families():
    pairs = HIDDEN // HEADS // 2
    swa = ["sliding_attention", "sliding_attention", "full_attention"]
    llama = lambda **c: hf.LlamaConfig(**common(**c))
    return {
        "llama": Family(llama()),
        "llama-linear": Family(llama(rope_parameters=rope("linear", factor=4.0))),
        "llama-dynamic": Family(
            llama(max_position_embeddings=32, rope_parameters=rope("dynamic", factor=2.0)), tokens=48, by_token=False,
            llama_cpp="GGUF has no dynamic scaling"),
        "llama-llama3": Family(llama(rope_parameters=rope(
            "llama3", 500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=32))),
        "llama-yarn": Family(llama(rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=32))),
        "mistral": Family(hf.MistralConfig(**common(sliding_window=16, head_dim=12)),
                          llama_cpp="its llama architecture knows no window"),
        "qwen2": Family(hf.Qwen2Config(**common(tie_word_embeddings=True))),
        "qwen2-window": Family(
            hf.Qwen2Config(**common(use_sliding_window=True, sliding_window=16, max_window_layers=1)),
            llama_cpp="its qwen2 architecture knows no window"),
        "qwen3": Family(hf.Qwen3Config(**common(head_dim=16))),
        "gemma2": Family(hf.Gemma2Config(**common(
            head_dim=16, sliding_window=16, query_pre_attn_scalar=16, tie_word_embeddings=True,
            attn_logit_softcapping=5.0, final_logit_softcapping=8.0, num_hidden_layers=4))),
        "gemma3": Family(hf.Gemma3TextConfig(**common(
            head_dim=16, sliding_window=16, query_pre_attn_scalar=16, tie_word_embeddings=True, num_hidden_layers=6,
            rope_parameters={
                "sliding_attention": rope("default"), "full_attention": rope("linear", 1000000.0, factor=8.0)}))),
        "phi3": Family(hf.Phi3Config(**common(sliding_window=16)), llama_cpp="it ignores phi3's window"),
        "phi3-longrope": Family(phi3_long(pairs), by_token=False),
        # Within the original context, where the other factors count.
        "phi3-longrope-short": Family(
            phi3_long(pairs), tokens=30, llama_cpp="it takes the long factors where its context is long"),
        "smollm3": Family(hf.SmolLM3Config(**common(num_hidden_layers=4))),
        "olmo2": Family(hf.Olmo2Config(**common())),
        "gptneox": Family(hf.GPTNeoXConfig(**common(rotary_pct=0.5))),
        "gptneox-sequential": Family(hf.GPTNeoXConfig(**common(rotary_pct=0.5, use_parallel_residual=False))),
        "falcon": Family(hf.FalconConfig(**common(num_kv_heads=1, multi_query=True, parallel_attn=True))),
        "falcon-new": Family(hf.FalconConfig(**common(num_kv_heads=KV, new_decoder_architecture=True))),
        "starcoder2": Family(
            hf.Starcoder2Config(**common(sliding_window=16)), llama_cpp="its starcoder2 architecture knows no window"),
        "stablelm": Family(hf.StableLmConfig(**common(use_qkv_bias=True, partial_rotary_factor=0.5))),
        "stablelm-parallel": Family(hf.StableLmConfig(**common(
            use_parallel_residual=True, qk_layernorm=True, partial_rotary_factor=0.5))),
        "mixtral": Family(hf.MixtralConfig(**common(
            num_hidden_layers=2,
            num_local_experts=4, num_experts_per_tok=2, sliding_window=None))),
        "qwen3moe": Family(hf.Qwen3MoeConfig(**common(
            num_hidden_layers=2, head_dim=16, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=24, norm_topk_prob=True,
            decoder_sparse_step=1, mlp_only_layers=[]))),
        "gptj": Family(hf.GPTJConfig(
            vocab_size=VOCAB, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_inner=FF, n_positions=CONTEXT, rotary_dim=4,
            bos_token_id=None, eos_token_id=None, tie_word_embeddings=False),
            llama_cpp="llama.cpp has no GPT-J"),
        "gpt2": Family(hf.GPT2Config(
            vocab_size=VOCAB, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_inner=FF, n_positions=CONTEXT,
            bos_token_id=None, eos_token_id=None)),
        "cerebras-gpt": Family(
            hf.GPT2Config(
                vocab_size=VOCAB, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_inner=FF, n_positions=CONTEXT,
                activation_function="gelu", bos_token_id=None, eos_token_id=None),
            llama_cpp="its gpt2 architecture has the tanh form of gelu only"),
        "mpt": Family(mpt(heads=4)),
        "mpt-clip-odd": Family(mpt(heads=3, hidden=48, clip=0.8, layers=2)),
    }


def phi3_long(pairs):
    return hf.Phi3Config(**common(
        original_max_position_embeddings=32,
        rope_parameters=rope(
            "longrope", short_factor=[1.0 + 0.05 * i for i in range(pairs)],
            long_factor=[1.5 + 2.0 * i for i in range(pairs)], original_max_position_embeddings=32)))


def mpt(heads, hidden=None, clip=None, layers=LAYERS):
    return hf.MptConfig(
        vocab_size=VOCAB, d_model=hidden or HIDDEN, n_layers=layers, n_heads=heads, max_seq_len=CONTEXT, expansion_ratio=4,
        no_bias=True, bos_token_id=None, eos_token_id=None,
        attn_config=dict(alibi=True, alibi_bias_max=8, clip_qkv=clip, attn_impl="torch"))


def build(name, family, seed=7):
    """The model in float32 with random weights that are exact in half precision."""
    generator = torch.Generator().manual_seed(1000 * seed + zlib.crc32(name.encode()) % 1000)
    # A copy, since saving in half precision writes the type into the configuration.
    config = copy.deepcopy(family.config)
    model = hf.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    shifted = "gemma" in name
    with torch.no_grad():
        for key, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if "norm" in key or ".ln_" in key:
                value = 0.1 * noise + (0.0 if key.endswith("bias") or shifted else 1.0)
            elif weight.dim() == 1:
                value = 0.1 * noise
            elif "wte" in key or "embed" in key and "embed_out" not in key or "wpe" in key:
                value = noise * (0.3 if model.config.tie_word_embeddings else 1.0)
            else:
                fan = weight.shape[0] if "Conv1D" in type(owner(model, key)).__name__ else weight.shape[-1]
                value = noise * 1.3 / fan ** 0.5
            weight.copy_(value.half().float())
    return model


def owner(model, key):
    for part in key.split(".")[:-1]:
        model = getattr(model, part)
    return model
