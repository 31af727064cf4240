"""Muon (Jordan et al., 2024) for matrices, Adam for embeddings and norms."""

import torch


def orthogonalised(matrices, steps=5):
    """Each matrix of a stack with its singular values brought near 1, by Newton-Schulz steps."""
    x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    is_tall = x.shape[-2] > x.shape[-1]
    x = x.mT if is_tall else x
    for _ in range(steps):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.mT if is_tall else x


class Optimizer:
    """One step over all parameters of a model; `rate` scales both learning rates."""

    matrix_rate, other_rate = 0.02, 4e-3
    momentum, decay = 0.95, 0.02

    def __init__(self, model):
        named = list(model.named_parameters())
        self.others = [p for name, p in named if p.ndim != 2 or name == "embedding"]
        self.groups = {}
        for name, p in named:
            if p.ndim == 2 and name != "embedding":
                self.groups.setdefault(tuple(p.shape), []).append(p)
        self.velocity = {shape: torch.zeros(len(group), *shape) for shape, group in self.groups.items()}
        self.adam = torch.optim.Adam(self.others, lr=self.other_rate, betas=(0.9, 0.95), eps=1e-10)

    @torch.no_grad()
    def step(self, rate):
        for shape, group in self.groups.items():
            gradient, velocity = torch.stack([p.grad for p in group]), self.velocity[shape]
            velocity.mul_(self.momentum).add_(gradient, alpha=1 - self.momentum)
            ahead = gradient.mul(1 - self.momentum).add(velocity, alpha=self.momentum)
            update = orthogonalised(ahead) * max(1.0, shape[0] / shape[1]) ** 0.5
            for p, change in zip(group, update):
                p.mul_(1 - self.matrix_rate * rate * self.decay).add_(change, alpha=-self.matrix_rate * rate)
        torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        for group in self.adam.param_groups:
            group["lr"] = self.other_rate * rate
        self.adam.step()

    def state(self):
        return {"velocity": self.velocity, "adam": self.adam.state_dict()}

    def restore(self, state):
        self.velocity = state["velocity"]
        self.adam.load_state_dict(state["adam"])
