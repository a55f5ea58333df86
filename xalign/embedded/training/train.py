"""The two stages of training, and checkpoints from which a killed run continues to the same weights."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from xalign.embedded.training.batches import Batch, BatchSampler, pad
from xalign.embedded.training.losses import contrastive_loss, teacher_loss
from xalign.embedded.training.network import Student
from xalign.embedded.training.recipe import Recipe
from xalign.embedded.training.tokenizer import PAD

logger = logging.getLogger(__name__)
CHUNKS = 6
WARMUP = 100


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        name: Of its checkpoint.
        steps: How many.
        n_groups: Groups of sentences in a step.
        drop: Share of pieces deleted.
        rate: Peak learning rate.
        cooldown: Share of the steps, at the end, over which the rate falls to zero.
        whole: Train every layer; otherwise the embeddings and the head alone.
        offset: Added to the step for drawing batches, so that stages see different ones.
    """

    name: str
    steps: int
    n_groups: int
    drop: float
    rate: float
    cooldown: float
    whole: bool
    offset: int


def stages(recipe: Recipe) -> tuple[Stage, Stage]:
    """The stages of a recipe: token embeddings alone, then the whole model."""
    static = Stage(
        name="static",
        steps=recipe.static_steps,
        n_groups=recipe.static_groups,
        drop=recipe.static_drop,
        rate=recipe.static_rate,
        cooldown=recipe.static_cooldown,
        whole=False,
        offset=0,
    )
    whole = Stage(
        name="whole",
        steps=recipe.steps,
        n_groups=recipe.groups_per_step,
        drop=recipe.token_drop,
        rate=recipe.rate,
        cooldown=recipe.cooldown,
        whole=True,
        offset=recipe.static_steps,
    )
    return static, whole


class Trainer:
    """A student, its optimizer and the running average of its weights, during one stage.

    Args:
        student: The network, changed in place.
        sampler: Draws the batches.
        teacher: The teacher's vectors of the sampler's English sentences.
        stage: Which stage.
        recipe: The loss weights.
    """

    def __init__(self, student: Student, sampler: BatchSampler, teacher: Tensor, stage: Stage, recipe: Recipe):
        self.student, self.sampler, self.teacher, self.stage, self.recipe = student, sampler, teacher, stage, recipe
        self.step = 0
        self.n_sentences = 0
        self.start = {name: value.detach().clone() for name, value in student.state_dict().items()}
        self.average = {name: value.clone() for name, value in self.start.items()}
        self.optimizer = torch.optim.AdamW(self._parameters(), lr=stage.rate, betas=(0.9, 0.98), fused=True)

    def _parameters(self) -> list[dict]:
        embeddings = [value for value in self.student.encoder.embeddings.parameters() if value.requires_grad]
        layers = list(self.student.encoder.encoder.parameters()) if self.stage.whole else []
        head = [*self.student.head.parameters()]
        if not self.stage.whole:
            head += [*self.student.pool_score.parameters(), *self.student.pool_map.parameters()]
        factor = self.recipe.embedding_rate if self.stage.whole else 1.0
        return [
            {"params": [*layers, *head], "factor": 1.0, "weight_decay": self.recipe.weight_decay},
            {"params": embeddings, "factor": factor, "weight_decay": 0.0},
        ]

    def run(self, until: int, *, progress: bool = True) -> None:
        """Train up to a step of the stage."""
        stage = self.stage
        bar = tqdm(total=stage.steps, initial=self.step, desc=stage.name, disable=not progress, mininterval=5)
        while self.step < min(until, self.stage.steps):
            costs = self._one_step()
            bar.set_postfix_str(" ".join(f"{name} {value:.3f}" for name, value in costs.items()), refresh=False)
            bar.update()
        bar.close()

    def _one_step(self) -> dict[str, float]:
        batch = self.sampler.draw(self.stage.offset + self.step, n_groups=self.stage.n_groups, drop=self.stage.drop)
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.stage.offset + self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = self.stage.rate * group["factor"] * rate_factor(self.step, self.stage)
        costs = self._costs(batch)
        self.optimizer.zero_grad()
        torch.stack(list(costs.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self.n_sentences += len(batch.pieces)
        self._update_average()
        return {name: cost.item() for name, cost in costs.items()}

    def _costs(self, batch: Batch) -> dict[str, Tensor]:
        vectors, order = self._embed(batch)
        group = torch.from_numpy(batch.group[order])
        known = torch.from_numpy(np.flatnonzero(batch.english >= 0))
        teacher = self.teacher[torch.from_numpy(batch.english)]
        temperature = self.recipe.temperature
        distilled = teacher_loss(self.student.head(vectors), group, teacher, known, temperature=temperature)
        return {
            "contrast": contrastive_loss(vectors, group, temperature=temperature),
            "teacher": self.recipe.teacher_weight * distilled,
        }

    def _embed(self, batch: Batch) -> tuple[Tensor, np.ndarray]:
        """Embed in chunks of similar length; gives the vectors and the rows of the batch they belong to."""
        embed = self.student.embed if self.stage.whole else self.student.embed_pieces
        order = np.argsort([len(pieces) for pieces in batch.pieces], kind="stable")
        vectors = []
        for rows in np.array_split(order, min(CHUNKS, len(order))):
            ids = torch.from_numpy(pad([batch.pieces[row] for row in rows], PAD))
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.stage.whole):
                vectors.append(embed(ids))
        return torch.cat(vectors).float(), order

    def _update_average(self) -> None:
        decay = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        for name, value in self.student.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)

    def blended(self, share: float) -> dict[str, Tensor]:
        """Interpolate between the weights the stage began with and the running average.

        References:
            Wortsman et al. (2022), Robust Fine-Tuning of Zero-Shot Models, https://arxiv.org/abs/2109.01903
        """
        return {name: value.lerp(self.average[name], share) for name, value in self.start.items()}

    def save(self, path: Path) -> None:
        """Write everything needed to continue, aside and then renamed."""
        aside = path.with_suffix(".partial")
        torch.save(
            {
                "step": self.step,
                "n_sentences": self.n_sentences,
                "student": self.student.state_dict(),
                "average": self.average,
                "optimizer": self.optimizer.state_dict(),
            },
            aside,
        )
        aside.replace(path)

    def restore(self, path: Path) -> None:
        """Continue where `save` left off."""
        state = torch.load(path, weights_only=True)
        self.step, self.n_sentences, self.average = state["step"], state["n_sentences"], state["average"]
        self.student.load_state_dict(state["student"])
        self.optimizer.load_state_dict(state["optimizer"])


def rate_factor(step: int, stage: Stage) -> float:
    """Linear rise, a plateau, and a linear fall to zero over the last steps.

    Until the fall begins the rate does not depend on how many steps there will be.
    """
    rise = (step + 1) / WARMUP
    fall = (stage.steps - step) / max(1.0, stage.cooldown * stage.steps)
    return min(1.0, rise, fall)
