"""The recipe of fine-tuning: how many steps for how many rows."""

import pytest

from headstart.finetuning.recipe import choose_recipe


@pytest.mark.parametrize(("rows", "steps"), [(1, 150), (25, 150), (100, 300), (3_600, 1_800), (12_268, 6_134)])
def test_steps_grow_with_the_root_of_the_rows_and_with_the_rows_where_there_are_thousands(rows: int, steps: int) -> None:
    assert choose_recipe(rows).steps == steps
    assert choose_recipe(rows, from_scratch=True).steps == 2 * steps


def test_what_starts_from_a_base_spares_the_trunk() -> None:
    recipe, scratch = choose_recipe(100), choose_recipe(100, from_scratch=True)
    assert recipe.trunk_factor < scratch.trunk_factor == choose_recipe(100, is_head=True).trunk_factor
    assert recipe.warmup > scratch.warmup
