"""Llama-shaped decoder: RMSNorm, RoPE on halves, grouped-query attention, SwiGLU, tied embeddings."""

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import nn


@dataclasses.dataclass(frozen=True)
class Shape:
    vocabulary: int = 2048
    width: int = 192
    layers: int = 6
    heads: int = 6
    kv_heads: int = 2
    feed_forward: int = 512
    rope_base: float = 100_000.0
    epsilon: float = 1e-5
    context: int = 4096

    @property
    def head_width(self):
        return self.width // self.heads


def normalised(x, weight, epsilon):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + epsilon) * weight


def rotated(x, cosine, sine):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)


def scaled(rows, columns):
    return nn.Parameter(torch.randn(rows, columns) * (0.4 / math.sqrt(columns)))


class Block(nn.Module):
    """One layer: attention and feed-forward, each on the normalised stream."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        query, key = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
        self.q, self.k, self.v = scaled(query, shape.width), scaled(key, shape.width), scaled(key, shape.width)
        self.o = nn.Parameter(torch.randn(shape.width, query) * 0.02)
        self.gate, self.up = scaled(shape.feed_forward, shape.width), scaled(shape.feed_forward, shape.width)
        self.down = nn.Parameter(torch.zeros(shape.width, shape.feed_forward))
        self.attention_norm = nn.Parameter(torch.ones(shape.width))
        self.feed_forward_norm = nn.Parameter(torch.ones(shape.width))

    def forward(self, x, cosine, sine):
        shape, (count, length, _) = self.shape, x.shape
        y = normalised(x, self.attention_norm, shape.epsilon)
        joined = F.linear(y, torch.cat([self.q, self.k, self.v], 0))
        key = shape.kv_heads * shape.head_width
        q, k, v = joined.split([shape.heads * shape.head_width, key, key], -1)
        q = rotated(q.view(count, length, shape.heads, -1).transpose(1, 2), cosine, sine)
        k = rotated(k.view(count, length, shape.kv_heads, -1).transpose(1, 2), cosine, sine)
        v = v.view(count, length, shape.kv_heads, -1).transpose(1, 2)
        group = shape.heads // shape.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(attended.transpose(1, 2).reshape(count, length, -1), self.o)
        y = normalised(x, self.feed_forward_norm, shape.epsilon)
        gate, up = F.linear(y, torch.cat([self.gate, self.up], 0)).chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, self.down)


class Decoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.randn(shape.vocabulary, shape.width) * 0.02)
        self.blocks = nn.ModuleList([Block(shape) for _ in range(shape.layers)])
        self.norm = nn.Parameter(torch.ones(shape.width))
        exponent = torch.arange(0, shape.head_width, 2).float() / shape.head_width
        self.register_buffer("frequencies", shape.rope_base**-exponent, persistent=False)
        self._look_back()

    @torch.no_grad()
    def _look_back(self, sharpness=5.0, fast=5):
        """Starts query heads 0, 1, 2 of the first layer as heads that look 1, 2, 3 tokens back.

        Their key is constant, read from a direction that all embeddings share, and the query is that key turned by the
        distance on the fastest `fast` frequencies. Only a start: everything is trained. Without it induction, and with
        it recall, takes many times as long to appear.
        """
        shape, width = self.shape, self.shape.head_width
        if shape.heads // shape.kv_heads < 3:
            raise SystemExit("the first three query heads need one KV head")
        common = torch.randn(shape.width)
        common /= common.norm()
        self.embedding += common * 0.02 * math.sqrt(shape.width)
        block, half = self.blocks[0], width // 2
        # The common part of a normalised embedding has length sqrt(width / 2).
        strength = math.sqrt(sharpness * math.sqrt(width)) / math.sqrt(shape.width / 2)
        key = torch.zeros(width)
        key[:fast] = 1.0
        block.k[:width] = strength * key[:, None] * common
        for head in range(3):
            distance = 1.0 + head
            query = torch.zeros(width)
            query[:fast] = torch.cos(self.frequencies[:fast] * distance)
            query[half : half + fast] = -torch.sin(self.frequencies[:fast] * distance)
            block.q[head * width : (head + 1) * width] = strength * query[:, None] * common
        block.o[:, : 3 * width] = torch.randn(shape.width, 3 * width) * 0.05

    def hidden(self, ids, positions):
        angles = positions[:, None, :, None].float() * self.frequencies
        cosine, sine = angles.cos(), angles.sin()
        x = F.embedding(ids, self.embedding)
        for block in self.blocks:
            x = block(x, cosine, sine)
        return normalised(x, self.norm, self.shape.epsilon)

    def forward(self, ids, positions):
        return F.linear(self.hidden(ids, positions), self.embedding)

    def loss(self, ids, positions, targets, weights):
        """(weighted mean, nats of each token) of predicting `targets`."""
        logits = self.forward(ids, positions)
        nats = F.cross_entropy(logits.view(-1, self.shape.vocabulary), targets.reshape(-1), reduction="none")
        weights = weights.reshape(-1)
        return (nats * weights).sum() / weights.sum(), nats.detach()
