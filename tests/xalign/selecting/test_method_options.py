"""What is told of a method is what it does: the options that it takes, and whether it chooses by quality."""

import importlib
import inspect
from dataclasses import replace

import numpy as np
import pytest

from xalign.errors import SettingError
from xalign.selecting.material.materials import Material
from xalign.selecting.material.targets import Target
from xalign.selecting.methods.options import options_of, require_options
from xalign.selecting.methods.table import METHODS, run_method

RNG = np.random.default_rng(2)
VECTORS = RNG.normal(size=(60, 6)).astype(np.float32)
QUALITY = RNG.permutation(60).astype(np.float64)


@pytest.fixture
def make(make_space_of):
    def material(*, quality=QUALITY, **arguments):
        space = make_space_of(VECTORS, VECTORS[5:11] + 0.1, languages=np.arange(60) % 3, quality=quality)
        target = Target(space.target_rows, space.target_groups, tuple("abcdef"), "made")
        base = replace(space, target_rows=VECTORS[20:27] + 1, target_groups=("l1",) * 7)
        return Material(space.pool, target, space, 9, base=base, **arguments)

    return material


@pytest.mark.parametrize("method", METHODS)
def test_quality_changes_the_choice_of_those_methods_that_choose_by_it_and_of_no_other(method, make):
    one, other = (set(run_method(method, make(quality=values)).rows.tolist()) for values in (QUALITY, -QUALITY))
    assert (one != other) == bool(METHODS[method].quality)


GIVEN = {"base": "any", "n_clusters": 3, "ratio": 6, "graph": True, "multilingual": False, "clip": False, "mixing": 0.5}
GIVEN |= {"first": 3, "shares": {f"cluster {place}": 1 / 3 for place in range(3)}}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_takes_every_option_that_is_told_of_it_and_no_other(method, make):
    module, _, name = METHODS[method].selector.partition(":")
    signature = inspect.signature(getattr(importlib.import_module(f"selection.data.{module}"), name))
    for option in options_of(method):
        value = GIVEN[option] if option in GIVEN else signature.parameters[option].default
        options = {"n_clusters": 3} if option == "shares" else {}
        assert len(run_method(method, make(options=options | {option: value})).rows) == 9, option
    require_options(method, options_of(method))
    for option in ("odd", "budget", "quotas", "groups"):
        with pytest.raises(SettingError, match=rf"options of '{method}' (must be among|are none).*, got '{option}'"):
            require_options(method, [option])


def test_the_nearest_option_is_told():
    with pytest.raises(SettingError) as told:
        require_options("uot", {"epsilom": 0.1})
    assert str(told.value) == (
        "options of 'uot' must be among epsilon, n_threads, penalty, got 'epsilom' (did you mean 'epsilon'?)"
    )
