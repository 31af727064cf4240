"""Independent NumPy reference for KV-cache eviction in decoder-only transformers.

Policies: full, window, streaming (sinks + recent), h2o (heavy hitters), keyformer.
Architectures: llama (GQA, RoPE rotate-half), gptj (parallel block, interleaved RoPE),
gpt2 (learned absolute positions), mpt (ALiBi).  

Everything here favours plainness over speed: keys are cached before rotation and are
rotated when they are used, so that "original" and "compact" positions share one path.
"""
import json
import math
import os
import struct
from dataclasses import dataclass, field

import numpy as np

# ----------------------------------------------------------------------------------
# Counter-based Gumbel noise (KEYFORMER section 4)
# ----------------------------------------------------------------------------------
_G = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


def _absorb(h, v):
    """One SplitMix64 output step applied to (h xor v).  All arithmetic is mod 2**64."""
    with np.errstate(over="ignore"):
        z = (h ^ v) + _G
        z = (z ^ (z >> np.uint64(30))) * _M1
        z = (z ^ (z >> np.uint64(27))) * _M2
        return z ^ (z >> np.uint64(31))


def noise_bits(seed, layer, head, kpos, qtag=0):
    """64 hash bits; kpos and qtag may be integer arrays (broadcast together)."""
    h = _absorb(np.uint64(seed & 0xFFFFFFFFFFFFFFFF), np.uint64(layer))
    h = _absorb(h, np.uint64(head))
    h = _absorb(h, np.asarray(kpos).astype(np.uint64))
    return _absorb(h, np.asarray(qtag).astype(np.uint64))


def noise_uniform(seed, layer, head, kpos, qtag=0):
    bits = noise_bits(seed, layer, head, kpos, qtag)
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0 ** -52


def gumbel(seed, layer, head, kpos, qtag=0):
    return -np.log(-np.log(noise_uniform(seed, layer, head, kpos, qtag)))


# ----------------------------------------------------------------------------------
# Small numerics
# ----------------------------------------------------------------------------------
_erf = np.frompyfunc(math.erf, 1, 1)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def act(name, x):
    if name == "silu":
        return x / (1.0 + np.exp(-x))
    if name == "gelu":  # exact
        return 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0)).astype(x.dtype))
    if name == "gelu_new":  # tanh form
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x ** 3)))
    raise ValueError(name)


def rms_norm(x, w, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w


def layer_norm(x, w, b, eps):
    d = x - x.mean(-1, keepdims=True)
    y = d / np.sqrt((d * d).mean(-1, keepdims=True) + eps) * w
    return y if b is None else y + b


def rope(x, pos, dim, theta, interleaved):
    """Rotate the first `dim` features of x[..., n, d] by positions pos[..., n]."""
    inv = theta ** (-np.arange(0, dim, 2, dtype=x.dtype) / dim)
    ang = pos[..., None].astype(x.dtype) * inv
    c, s = np.cos(ang), np.sin(ang)
    out = x.copy()
    if interleaved:
        a, b = x[..., 0:dim:2], x[..., 1:dim:2]
        out[..., 0:dim:2], out[..., 1:dim:2] = a * c - b * s, b * c + a * s
    else:
        h = dim // 2
        a, b = x[..., :h], x[..., h:dim]
        out[..., :h], out[..., h:dim] = a * c - b * s, b * c + a * s
    return out


def alibi_slopes(heads, bias_max):
    p2 = 1 << (heads - 1).bit_length()
    s = 2.0 ** (-np.arange(1, p2 + 1) * (bias_max / p2))
    return s if p2 == heads else np.concatenate([s[1::2], s[0::2]])[:heads]


# ----------------------------------------------------------------------------------
# Weights: minimal safetensors (F32 only)
# ----------------------------------------------------------------------------------
def load_safetensors(path):
    with open(path, "rb") as f:
        n = struct.unpack("<Q", f.read(8))[0]
        head = json.loads(f.read(n))
        blob = f.read()
    out = {}
    for name, t in head.items():
        if name == "__metadata__":
            continue
        assert t["dtype"] == "F32", t
        a, b = t["data_offsets"]
        out[name] = np.frombuffer(blob[a:b], "<f4").reshape(t["shape"])
    return out


def save_safetensors(path, tensors):
    head, off = {"__metadata__": {"format": "pt"}}, 0
    for name in sorted(tensors):
        n = tensors[name].size * 4
        head[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [off, off + n]}
        off += n
    js = json.dumps(head, separators=(",", ":")).encode()
    js += b" " * (-len(js) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(js)) + js)
        for name in sorted(tensors):
            f.write(np.ascontiguousarray(tensors[name], "<f4").tobytes())


# ----------------------------------------------------------------------------------
# Policies
# ----------------------------------------------------------------------------------
@dataclass
class Policy:
    name: str = "full"            # full | window | streaming | h2o | keyformer
    budget: int = 0               # k, tokens kept per layer and kv head
    recent: int = 0               # w (h2o, keyformer)
    sinks: int = 4                # streaming only
    tau_init: float = 1.0         # keyformer only
    tau_end: float = 2.0
    seed: int = 0
    noise: str = "fixed"          # fixed | per_query | none
    positions: str = "original"   # original | compact
    gen_len: int = 24             # T in the tau schedule
    quirk: str = ""               # "official": reproduce the released code's window off-by-one

    def tau(self, t):
        return self.tau_init + t * (self.tau_end - self.tau_init) / self.gen_len

    def scores(self):
        return self.name in ("h2o", "keyformer")


def keep_indices(pol, score, pos, total):
    """Cache slots to keep (ascending) for one head, and the decision margin.

    score: accumulated score per slot, or None; pos: original positions of the slots;
    total: tokens seen so far (prompt + fed-back)."""
    c, k = len(pos), pol.budget
    every = np.arange(c)
    if pol.quirk == "official":
        if total <= k:
            return every, np.inf
        first_recent, key_end = total + 1 - pol.recent, total - pol.recent
        if pol.recent == 0:
            first_recent, key_end = total, total
        cand = every[pos < key_end]
        best, margin = _top(score[cand], k - pol.recent)
        return np.sort(np.concatenate([cand[best], every[pos >= first_recent]])), margin
    if pol.name == "full" or c <= k:
        return every, np.inf
    if pol.name == "window":
        return every[c - k:], np.inf
    if pol.name == "streaming":
        sinks = int((pos < pol.sinks).sum())      # fewer where a window hides the first positions
        return np.concatenate([every[:sinks], every[c - (k - sinks):]]), np.inf
    w = pol.recent
    best, margin = _top(score[:c - w], k - w)
    return np.concatenate([np.sort(best), every[c - w:]]), margin


def _top(s, m):
    """Indices of the m largest values; equal values: the lower index wins."""
    order = np.lexsort((np.arange(len(s)), -s))
    gap = s[order[m - 1]] - s[order[m]] if 0 < m < len(s) else np.inf
    return order[:m], float(gap)


@dataclass
class LayerCache:
    k: np.ndarray                 # [kv_heads, slots, d], not rotated
    v: np.ndarray
    pos: np.ndarray               # [kv_heads, slots] original positions
    score: np.ndarray             # [kv_heads, slots]


@dataclass
class Run:
    ids: list = field(default_factory=list)
    kept: list = field(default_factory=list)       # [step][layer][kv_head] -> positions
    logits: list = field(default_factory=list)     # one row per generated token
    score_margin: float = np.inf
    greedy_margin: float = np.inf


# ----------------------------------------------------------------------------------
# Model
# ----------------------------------------------------------------------------------
class Model:
    def __init__(self, config, weights, dtype=np.float64):
        c = self.c = config
        self.dt = dtype
        self.w = {k: v.astype(dtype) for k, v in weights.items()}
        self.arch = c["model_type"]
        g = c.get
        if self.arch == "llama":
            self.hidden, self.layers, self.heads = c["hidden_size"], c["num_hidden_layers"], c["num_attention_heads"]
            self.kv_heads, self.eps = g("num_key_value_heads") or self.heads, c["rms_norm_eps"]
            rp = g("rope_parameters") or {}
            self.theta = float(rp.get("rope_theta", g("rope_theta", 10000.0)))
        elif self.arch in ("gptj", "gpt2"):
            self.hidden, self.layers, self.heads = c["n_embd"], c["n_layer"], c["n_head"]
            self.kv_heads, self.eps, self.theta = self.heads, c["layer_norm_epsilon"], 10000.0
        elif self.arch == "mpt":
            self.hidden, self.layers, self.heads = c["d_model"], c["n_layers"], c["n_heads"]
            self.kv_heads, self.eps = self.heads, 1e-5
            self.slopes = alibi_slopes(self.heads, c["attn_config"]["alibi_bias_max"]).astype(dtype)
        else:
            raise ValueError(self.arch)
        self.d = self.hidden // self.heads
        self.group = self.heads // self.kv_heads
        self.scale = 1.0 / math.sqrt(self.d)

    @classmethod
    def load(cls, folder, dtype=np.float64):
        with open(os.path.join(folder, "config.json")) as f:
            cfg = json.load(f)
        return cls(cfg, load_safetensors(os.path.join(folder, "model.safetensors")), dtype)

    # -- pieces --------------------------------------------------------------------
    def _embed(self, ids, pos):
        name = "model.embed_tokens.weight" if self.arch == "llama" else "transformer.wte.weight"
        x = self.w[name][ids]
        return x + self.w["transformer.wpe.weight"][pos] if self.arch == "gpt2" else x

    def _norm(self, x, name):
        w, b = self.w[name + ".weight"], self.w.get(name + ".bias")
        return rms_norm(x, w, self.eps) if self.arch == "llama" else layer_norm(x, w, b, self.eps)

    def _qkv(self, i, x):
        w, a = self.w, self.arch
        if a == "llama":
            p = f"model.layers.{i}.self_attn."
            q, k, v = (x @ w[p + t + "_proj.weight"].T for t in "qkv")
        elif a == "gptj":
            p = f"transformer.h.{i}.attn."
            q, k, v = (x @ w[p + t + "_proj.weight"].T for t in "qkv")
        elif a == "gpt2":
            p = f"transformer.h.{i}.attn.c_attn."
            q, k, v = np.split(x @ w[p + "weight"] + w[p + "bias"], 3, axis=-1)
        else:
            q, k, v = np.split(x @ w[f"transformer.blocks.{i}.attn.Wqkv.weight"].T, 3, axis=-1)
        def split(t, h):
            return t.reshape(len(t), h, self.d).transpose(1, 0, 2)
        return split(q, self.heads), split(k, self.kv_heads), split(v, self.kv_heads)

    def _attn_out(self, i, x):
        w = self.w
        if self.arch == "llama":
            return x @ w[f"model.layers.{i}.self_attn.o_proj.weight"].T
        if self.arch == "gptj":
            return x @ w[f"transformer.h.{i}.attn.out_proj.weight"].T
        if self.arch == "gpt2":
            p = f"transformer.h.{i}.attn.c_proj."
            return x @ w[p + "weight"] + w[p + "bias"]
        return x @ w[f"transformer.blocks.{i}.attn.out_proj.weight"].T

    def _mlp(self, i, x):
        w, c = self.w, self.c
        if self.arch == "llama":
            p = f"model.layers.{i}.mlp."
            return (act("silu", x @ w[p + "gate_proj.weight"].T) * (x @ w[p + "up_proj.weight"].T)) @ w[p + "down_proj.weight"].T
        if self.arch == "gptj":
            p = f"transformer.h.{i}.mlp."
            h = act(c["activation_function"], x @ w[p + "fc_in.weight"].T + w[p + "fc_in.bias"])
            return h @ w[p + "fc_out.weight"].T + w[p + "fc_out.bias"]
        if self.arch == "gpt2":
            p = f"transformer.h.{i}.mlp."
            h = act(c["activation_function"], x @ w[p + "c_fc.weight"] + w[p + "c_fc.bias"])
            return h @ w[p + "c_proj.weight"] + w[p + "c_proj.bias"]
        p = f"transformer.blocks.{i}.ffn."
        return act("gelu", x @ w[p + "up_proj.weight"].T) @ w[p + "down_proj.weight"].T

    def _rotate(self, x, pos):
        if self.arch == "llama":
            return rope(x, pos, self.d, self.theta, False)
        if self.arch == "gptj":
            return rope(x, pos, self.c["rotary_dim"], self.theta, True)
        return x

    def _attend(self, i, q, cache, qpos, pol, tau):
        """q [heads, n, d]; the last n slots of the cache are the queries' own tokens.
        Returns the attention output [heads, n, d] and adds to cache.score."""
        n, c = q.shape[1], cache.k.shape[1]
        slot = np.arange(c)
        compact = pol.positions == "compact"
        qp = slot[c - n:] if compact else qpos
        kp = np.broadcast_to(slot, cache.pos.shape) if compact else cache.pos
        key, val = self._rotate(cache.k, kp), cache.v
        q = self._rotate(q, np.broadcast_to(qp, (self.heads, n)))
        blocked = slot[None, :] > slot[c - n:, None]
        out = np.empty_like(q)
        for h in range(self.heads):
            g = h // self.group
            x = q[h] @ key[g].T * self.scale
            if self.arch == "mpt":
                x = x + self.slopes[h] * (kp[g][None, :] - qp[:, None])
            x = np.where(blocked, -np.inf, x)
            p = softmax(x)
            out[h] = p @ val[g]
            if pol.name == "h2o":
                cache.score[g] += p.sum(0)
            elif pol.name == "keyformer":
                z = 0.0
                if pol.noise == "fixed":
                    z = gumbel(pol.seed, i, h, cache.pos[g])[None, :]
                elif pol.noise == "per_query":
                    z = gumbel(pol.seed, i, h, cache.pos[g][None, :], qpos[:, None] + 1)
                cache.score[g] += softmax((x + z) / tau).sum(0)
        return out

    def step(self, ids, caches, start, pol, t, run=None):
        """Feed ids (the prompt, or one token) whose original positions begin at start.
        Returns logits for every fed token; prunes the caches afterwards."""
        ids = np.asarray(ids)
        n = len(ids)
        qpos = np.arange(start, start + n)
        compact = pol.positions == "compact"
        held = caches[0].k.shape[1] if caches else 0
        x = self._embed(ids, np.arange(held, held + n) if compact else qpos)
        fresh, kept = not caches, []
        for i in range(self.layers):
            pre = {"llama": f"model.layers.{i}.", "mpt": f"transformer.blocks.{i}."}.get(self.arch, f"transformer.h.{i}.")
            n1 = {"llama": "input_layernorm", "mpt": "norm_1"}.get(self.arch, "ln_1")
            n2 = {"llama": "post_attention_layernorm", "mpt": "norm_2"}.get(self.arch, "ln_2")
            y = self._norm(x, pre + n1)
            q, k, v = self._qkv(i, y)
            p = np.broadcast_to(qpos, (self.kv_heads, n))
            zero = np.zeros((self.kv_heads, n), self.dt)
            if fresh:
                caches.append(LayerCache(k, v, p.copy(), zero))
            else:
                o = caches[i]
                caches[i] = LayerCache(np.concatenate([o.k, k], 1), np.concatenate([o.v, v], 1),
                                       np.concatenate([o.pos, p], 1), np.concatenate([o.score, zero], 1))
            a = self._attend(i, q, caches[i], qpos, pol, pol.tau(t))
            a = self._attn_out(i, a.transpose(1, 0, 2).reshape(n, -1))
            if self.arch == "gptj":
                x = x + a + self._mlp(i, y)
            else:
                x = x + a
                x = x + self._mlp(i, self._norm(x, pre + n2))
            kept.append(self._prune(caches, i, start + n, pol, run))
        if run is not None:
            run.kept.append(kept)
        final = {"llama": "model.norm", "mpt": "transformer.norm_f"}.get(self.arch, "transformer.ln_f")
        x = self._norm(x, final)
        if self.arch in ("llama", "gptj"):
            x = x @ self.w["lm_head.weight"].T
            return x + self.w["lm_head.bias"] if self.arch == "gptj" else x
        return x @ self.w["transformer.wte.weight"].T

    def _prune(self, caches, i, total, pol, run):
        o = caches[i]
        rows = []
        for g in range(self.kv_heads):
            idx, margin = keep_indices(pol, o.score[g], o.pos[g], total)
            rows.append(idx)
            if run is not None:
                run.score_margin = min(run.score_margin, margin)
        idx = np.stack(rows)
        take = lambda a: np.take_along_axis(a, idx if a.ndim == 2 else idx[:, :, None], 1)
        caches[i] = LayerCache(take(o.k), take(o.v), take(o.pos), take(o.score))
        return caches[i].pos.tolist()

    def generate(self, prompt, steps, pol):
        run, caches = Run(), []
        logits = self.step(prompt, caches, 0, pol, 0, run)[-1]
        for t in range(1, steps + 1):
            top = np.sort(logits)[-2:]
            run.greedy_margin = min(run.greedy_margin, float(top[1] - top[0]))
            run.logits.append(logits)
            run.ids.append(int(np.argmax(logits)))
            if t < steps:
                logits = self.step([run.ids[-1]], caches, len(prompt) + t - 1, pol, t, run)[-1]
        return run
