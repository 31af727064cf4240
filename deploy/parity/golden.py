#!/usr/bin/env python3
"""Writes golden vectors with eviction for families with windows and norms of queries and keys.

    .parity/bin/python deploy/parity/golden.py --out Tests/DecodingTests/Fixtures/golden-families [NAME …]

Prompts, ids, kept positions and logits are those of a float64 NumPy model (eviction_reference.py, extended here), as in
Tests/DecodingTests/Fixtures/golden. Every case gives the same ids and kept positions in float32, differs from full
attention and, where noise decides, from other noise. transformers' logits of the prompt are compared too.
"""
import argparse
import json
import math
from pathlib import Path

import numpy as np

import eviction_reference as R

VOCAB, HIDDEN, LAYERS, HEADS, KV, FF, CONTEXT, STEPS = 256, 32, 3, 4, 2, 64, 160, 24
WINDOW = 24
KEYFORMER = dict(name="keyformer")
NAMES = ["gemma2", "gemma3", "mistral", "qwen3"]
CASES = [  # prompt, policy; budgets above and below what a window leaves
    (56, dict(name="full")),
    (60, dict(name="window", budget=14)),
    (60, dict(name="streaming", budget=30, sinks=4, positions="compact")),
    (60, dict(name="streaming", budget=16, sinks=4)),
    (64, dict(name="h2o", budget=32, recent=12)),
    (72, dict(KEYFORMER, budget=36, recent=10, noise="fixed")),
    (64, dict(KEYFORMER, budget=14, recent=4, noise="fixed")),
    (14, dict(KEYFORMER, budget=18, recent=5, noise="per_query")),
    (60, dict(KEYFORMER, budget=12, recent=3, tau_init=0.7, tau_end=1.6, noise="per_query")),
]


def build(name, seed):
    """(config.json, weights in float32)"""
    random = np.random.default_rng([seed, NAMES.index(name)])
    head = 8 if name == "mistral" else 16
    shift = 0.0 if "gemma" in name else 1.0
    weights = {}

    def matrix(key, out, width, gain=1.0):
        weights[key] = (random.standard_normal((out, width)) * gain / np.sqrt(width)).astype(np.float32)

    def vector(key, count):
        weights[key] = (shift + 0.1 * random.standard_normal(count)).astype(np.float32)

    gain = 1.3 if name in ("mistral", "gemma2") else 1.0
    weights["model.embed_tokens.weight"] = (
        (0.18 if "gemma" in name else 1.0) * random.standard_normal((VOCAB, HIDDEN))).astype(np.float32)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        vector(prefix + "input_layernorm.weight", HIDDEN)
        matrix(prefix + "self_attn.q_proj.weight", HEADS * head, HIDDEN, gain)
        matrix(prefix + "self_attn.k_proj.weight", KV * head, HIDDEN, gain)
        matrix(prefix + "self_attn.v_proj.weight", KV * head, HIDDEN)
        matrix(prefix + "self_attn.o_proj.weight", HIDDEN, HEADS * head)
        if name in ("qwen3", "gemma3"):
            # Louder than 1, or attention would be too even to choose by.
            for kind in "qk":
                vector(prefix + f"self_attn.{kind}_norm.weight", head)
                weights[prefix + f"self_attn.{kind}_norm.weight"] += np.float32(0.3)
        vector(prefix + "post_attention_layernorm.weight", HIDDEN)
        if "gemma" in name:
            vector(prefix + "pre_feedforward_layernorm.weight", HIDDEN)
            vector(prefix + "post_feedforward_layernorm.weight", HIDDEN)
        matrix(prefix + "mlp.gate_proj.weight", FF, HIDDEN)
        matrix(prefix + "mlp.up_proj.weight", FF, HIDDEN)
        matrix(prefix + "mlp.down_proj.weight", HIDDEN, FF)
    vector("model.norm.weight", HIDDEN)
    matrix("lm_head.weight", VOCAB, HIDDEN, 2.0)
    config = dict(
        vocab_size=VOCAB, hidden_size=HIDDEN, intermediate_size=FF, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        num_key_value_heads=KV, head_dim=head, max_position_embeddings=CONTEXT, rms_norm_eps=1e-6,
        tie_word_embeddings=False, bos_token_id=None, eos_token_id=None, torch_dtype="float32")
    plain = dict(rope_type="default", rope_theta=10000.0)
    if name == "qwen3":
        config.update(
            architectures=["Qwen3ForCausalLM"], model_type="qwen3", hidden_act="silu", attention_bias=False,
            rope_parameters=dict(plain, rope_theta=1000000.0), use_sliding_window=True, sliding_window=WINDOW,
            max_window_layers=2, layer_types=["full_attention", "full_attention", "sliding_attention"])
    elif name == "gemma2":
        config.update(
            architectures=["Gemma2ForCausalLM"], model_type="gemma2", hidden_activation="gelu_pytorch_tanh",
            attention_bias=False, query_pre_attn_scalar=16, sliding_window=WINDOW, attn_logit_softcapping=5.0,
            final_logit_softcapping=20.0, rope_parameters=plain,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"])
    elif name == "gemma3":
        config.update(
            architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", hidden_activation="gelu_pytorch_tanh",
            attention_bias=False, query_pre_attn_scalar=16, sliding_window=WINDOW,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters=dict(
                sliding_attention=plain,
                full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1000000.0)))
    else:
        config.update(
            architectures=["MistralForCausalLM"], model_type="mistral", hidden_act="silu", sliding_window=WINDOW,
            rope_parameters=plain)
    return config, weights


class Model(R.Model):
    """Llama's line with windows, norms of queries and keys, and Gemma's norms, scales and caps."""

    def __init__(self, config, weights, dtype=np.float64):
        c = self.c = config
        self.dt, self.arch = dtype, "llama"
        self.w = {k: v.astype(dtype) for k, v in weights.items()}
        self.gemma = c["model_type"].startswith("gemma")
        self.hidden, self.layers, self.heads = c["hidden_size"], c["num_hidden_layers"], c["num_attention_heads"]
        self.kv_heads, self.eps, self.d = c["num_key_value_heads"], c["rms_norm_eps"], c["head_dim"]
        self.group = self.heads // self.kv_heads
        self.scale = 1.0 / math.sqrt(self.d)
        kinds = c.get("layer_types") or ["sliding_attention"] * self.layers
        self.windows = [c["sliding_window"] if kind == "sliding_attention" else None for kind in kinds]
        ropes = c["rope_parameters"]
        self.ropes = [ropes.get(kind, ropes) for kind in kinds]
        self.layer = 0

    def _embed(self, ids, pos):
        x = self.w["model.embed_tokens.weight"][ids]
        return x * self.dt(np.float32(math.sqrt(self.hidden))) if self.gemma else x

    def _norm(self, x, name):
        return R.rms_norm(x, self.w[name + ".weight"] + (1 if self.gemma else 0), self.eps)

    def _qkv(self, i, x):
        self.layer = i
        q, k, v = super()._qkv(i, x)
        prefix = f"model.layers.{i}.self_attn."
        if prefix + "q_norm.weight" in self.w:
            q, k = self._norm(q, prefix + "q_norm"), self._norm(k, prefix + "k_norm")
        return q, k, v

    def _mlp(self, i, x):
        w, prefix = self.w, f"model.layers.{i}.mlp."
        gate = R.act("gelu_new" if self.gemma else "silu", x @ w[prefix + "gate_proj.weight"].T)
        return (gate * (x @ w[prefix + "up_proj.weight"].T)) @ w[prefix + "down_proj.weight"].T

    def _rotate(self, x, pos):
        rope = self.ropes[self.layer]
        theta, factor = rope["rope_theta"], rope.get("factor", 1.0)
        inverse = theta ** (-np.arange(0, self.d, 2, dtype=x.dtype) / self.d) / factor
        angle = pos[..., None].astype(x.dtype) * inverse
        c, s, half = np.cos(angle), np.sin(angle), self.d // 2
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * c - b * s, b * c + a * s], -1)

    def _attend(self, i, q, cache, qpos, pol, tau):
        """As in the reference, with what the window hides and the soft cap."""
        self.layer = i
        n, c = q.shape[1], cache.k.shape[1]
        slot = np.arange(c)
        compact = pol.positions == "compact"
        qp = slot[c - n:] if compact else qpos
        kp = np.broadcast_to(slot, cache.pos.shape) if compact else cache.pos
        key = self._rotate(cache.k, kp)
        q = self._rotate(q, np.broadcast_to(qp, (self.heads, n)))
        window, cap = self.windows[i], self.c.get("attn_logit_softcapping")
        out = np.empty_like(q)
        for h in range(self.heads):
            g = h // self.group
            hidden = slot[None, :] > slot[c - n:, None]
            if window:
                hidden = hidden | (cache.pos[g][None, :] <= qpos[:, None] - window)
            x = q[h] @ key[g].T * self.scale
            if cap:
                x = cap * np.tanh(x / cap)
            x = np.where(hidden, -np.inf, x)
            p = R.softmax(x)
            out[h] = p @ cache.v[g]
            if pol.name == "h2o":
                cache.score[g] += p.sum(0)
            elif pol.name == "keyformer":
                z = 0.0
                if pol.noise == "fixed":
                    z = R.gumbel(pol.seed, i, h, cache.pos[g])[None, :]
                elif pol.noise == "per_query":
                    z = R.gumbel(pol.seed, i, h, cache.pos[g][None, :], qpos[:, None] + 1)
                cache.score[g] += R.softmax((x + z) / tau).sum(0)
        return out

    def step(self, ids, caches, start, pol, t, run=None):
        ids = np.asarray(ids)
        n = len(ids)
        qpos = np.arange(start, start + n)
        x = self._embed(ids, qpos)
        fresh, kept = not caches, []
        for i in range(self.layers):
            prefix = f"model.layers.{i}."
            q, k, v = self._qkv(i, self._norm(x, prefix + "input_layernorm"))
            p = np.broadcast_to(qpos, (self.kv_heads, n))
            zero = np.zeros((self.kv_heads, n), self.dt)
            if fresh:
                caches.append(R.LayerCache(k, v, p.copy(), zero))
            else:
                o = caches[i]
                caches[i] = R.LayerCache(
                    np.concatenate([o.k, k], 1), np.concatenate([o.v, v], 1), np.concatenate([o.pos, p], 1),
                    np.concatenate([o.score, zero], 1))
            a = self._attend(i, q, caches[i], qpos, pol, pol.tau(t))
            a = self._attn_out(i, a.transpose(1, 0, 2).reshape(n, -1))
            if self.gemma:
                x = x + self._norm(a, prefix + "post_attention_layernorm")
                f = self._mlp(i, self._norm(x, prefix + "pre_feedforward_layernorm"))
                x = x + self._norm(f, prefix + "post_feedforward_layernorm")
            else:
                x = x + a
                x = x + self._mlp(i, self._norm(x, prefix + "post_attention_layernorm"))
            kept.append(self._prune(caches, i, start + n, pol, run))
        if run is not None:
            run.kept.append(kept)
        x = self._norm(x, "model.norm") @ self.w["lm_head.weight"].T
        cap = self.c.get("final_logit_softcapping")
        return cap * np.tanh(x / cap) if cap else x

    def _prune(self, caches, i, total, pol, run):
        """What the next query does not see goes first; then the policy has its say. Heads hold different entries."""
        o, window = caches[i], self.windows[i]
        rows = []
        for g in range(self.kv_heads):
            seen = np.flatnonzero(o.pos[g] > total - window) if window else np.arange(len(o.pos[g]))
            kept, margin = R.keep_indices(pol, o.score[g][seen], o.pos[g][seen], total)
            rows.append(seen[kept])
            if run is not None:
                run.score_margin = min(run.score_margin, margin)
        index = np.stack(rows)
        take = lambda a: np.take_along_axis(a, index if a.ndim == 2 else index[:, :, None], 1)
        caches[i] = R.LayerCache(take(o.k), take(o.v), take(o.pos), take(o.score))
        return caches[i].pos.tolist()


def top8(row):
    index = np.argsort(-row, kind="stable")[:8]
    return [[int(j), float(row[j])] for j in index]


def flaw(run, small, model, prompt, values, policy):
    """Why the case would be no good test, or None."""
    if run.greedy_margin < 2e-3: return "greedy margin"
    if run.score_margin < 3e-4: return "score margin"
    if len(set(run.ids)) < 8: return "dull"
    if small.ids != run.ids or small.kept != run.kept: return "float32"
    if policy.name == "full": return None
    # Where every layer's window is smaller than the budget nothing is left to choose.
    if all(window and window - 1 <= policy.budget for window in model.windows): return None
    if model.generate(prompt, STEPS, R.Policy()).ids == run.ids: return "same as full"
    if policy.name != "keyformer": return None
    for other in (dict(noise="none"), dict(seed=policy.seed ^ 1), dict(tau_end=policy.tau_init)):
        if model.generate(prompt, STEPS, R.Policy(**dict(values, **other))).kept == run.kept:
            return f"not sensitive to {other}"
    return None


def make(name, out, seed):
    config, weights = build(name, seed)
    folder = Path(out) / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    R.save_safetensors(folder / "model.safetensors", weights)
    model, small = Model(config, weights), Model(config, weights, np.float32)
    print(name, "transformers:", compare_with_transformers(folder, model))
    cases = []
    for number, (count, spec) in enumerate(CASES):
        for attempt in range(400):
            random = np.random.default_rng([seed, number, attempt, len(name)])
            prompt = random.integers(0, VOCAB, count).tolist()
            values = dict(spec, gen_len=STEPS)
            if spec["name"] == "keyformer": values["seed"] = int(random.integers(1, 2**63))
            policy = R.Policy(**values)
            run = model.generate(prompt, STEPS, policy)
            why = flaw(run, small.generate(prompt, STEPS, policy), model, prompt, values, policy)
            if why is None: break
        else:
            raise SystemExit(f"{name} case {number}: no seed found ({why})")
        print(f"{name} case {number} {policy.name}: attempt {attempt}", flush=True)
        cases.append(case(f"{name}-{number}", prompt, policy, run))
    text = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    (folder / "cases.json").write_text('{"arch":"%s","model_seed":%d,"cases":[\n%s\n]}\n' % (name, seed, text))


def case(identity, prompt, policy, run):
    values = dict(name=policy.name, positions=policy.positions)
    if policy.name != "full": values["budget"] = policy.budget
    if policy.name == "streaming": values["sinks"] = policy.sinks
    if policy.scores(): values["recent"] = policy.recent
    if policy.name == "keyformer":
        values.update(tau_init=policy.tau_init, tau_end=policy.tau_end, noise=policy.noise, seed=str(policy.seed))
    finite = lambda x: None if not np.isfinite(x) else x
    return dict(
        id=identity, prompt=prompt, steps=STEPS, ignore_eos=True, policy=values,
        expect=dict(
            ids=run.ids, first_top8=top8(run.logits[0]), last_top8=top8(run.logits[-1]),
            kept=None if policy.name == "full" else run.kept),
        margins=dict(score=finite(run.score_margin), greedy=run.greedy_margin))


def compare_with_transformers(folder, model):
    """Largest difference of a prompt's logits under full attention."""
    import torch
    import transformers
    reference = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids = np.random.default_rng(3).integers(0, VOCAB, 60).tolist()
    with torch.no_grad():
        theirs = reference(torch.tensor([ids]), use_cache=False).logits[0].numpy()
    ours = model.step(ids, [], 0, R.Policy(), 0)
    return float(np.abs(ours - theirs).max())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    for name in arguments.names or NAMES:
        make(name, arguments.out, 21)
