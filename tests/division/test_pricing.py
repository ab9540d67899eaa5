"""Pricing against every connected set: the cheapest grid of a root, all grids below a cutoff, bounds cut short."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spatial.division.piece import Piece, build_piece
from spatial.division.pricing import SCALE
from spatial.division.roots import Ask, Roots, prepare_roots, price_roots
from spatial.division.sizes import Sizes, build_sizes
from tests.division.drawn import BAND, TRAITS, draw_piece, draw_sizes
from tests.division.oracle import list_sets

TIGHT = 2e-6
"""Integers round towards the bound, some dozens of them by 1e-8 each."""
FAR = 1e9

towns = st.builds(draw_piece, st.integers(1, 11), st.integers(0, 10**6))
hard_towns = st.builds(
    lambda count, seed, traits: draw_piece(count, seed, *sorted(traits)),
    st.integers(1, 11),
    st.integers(0, 10**6),
    st.sets(st.sampled_from(TRAITS)),
)


class Market:
    """A piece, prices drawn for its units and names and fines for triples, and what each lawful set then costs."""

    def __init__(self, piece: Piece, sizes: Sizes, seed: int, *, fines: int = 0) -> None:
        rng = np.random.default_rng(seed)
        count, names = piece.change.shape
        self.duals = rng.normal(1.0, 2.0, count) * rng.choice([0.3, 1.0, 4.0])
        self.names = -np.abs(rng.normal(0.0, 1.0, names)) + rng.normal(0.0, 0.5)
        self.triples = np.array(
            [np.sort(rng.choice(count, 3, replace=False)) for _ in range(fines if count > 2 else 0)]
        )
        self.triples = self.triples.reshape(-1, 3).astype(np.int64)
        self.fines = rng.integers(0, int(3 * SCALE), len(self.triples))
        bare = prepare_roots(piece, sizes)
        self.roots: Roots = replace(bare, prices=bare.prices._replace(triple=self.triples, fine=self.fines))
        sets = list_sets(piece, sizes)
        holds = (np.arange(1 << count)[:, None] >> np.arange(count) & 1).astype(bool)
        fined = (holds[:, self.triples].sum(axis=2) >= 2) @ self.fines / SCALE
        paid = (holds @ self.duals)[:, None] + self.names[None, :]
        self.cost = np.where(sets.lawful[:, None], (sets.cost + fined)[:, None] + sets.change - paid, np.inf)
        # the order of roots is the engine's own choice; the first unit of a set by it is the set's root
        self.root = self.roots.order[np.argmax(holds[:, self.roots.order], axis=1)]

    def least(self) -> Any:
        """Return by root and name the least reduced cost of any set."""
        found = np.full((len(self.duals), len(self.names)), np.inf)
        np.minimum.at(found, self.root[1:], self.cost[1:])
        return found

    def price(self, ask: Ask) -> Any:
        rates = np.zeros((len(self.duals), len(self.names)), dtype=np.int64)
        return price_roots(self.roots, self.duals, self.names, rates, ask)


def as_set(units: Any) -> int:
    return int((1 << units).sum())


@settings(max_examples=25)
@given(hard_towns, st.integers(0, 10**6), st.sampled_from([0, 1, 3, 8]), st.sampled_from([-1.0, 0.0, 5.0, FAR]))
def test_the_bound_of_a_root_is_its_cheapest_grid_or_the_cutoff(
    piece: Piece, seed: int, fines: int, below: float
) -> None:
    market = Market(piece, draw_sizes(piece, floor_penalty=bool(seed % 2)), seed, fines=fines)
    found = market.price(Ask(below, 10**6, 10_000))
    least = np.minimum(market.least(), below)
    np.testing.assert_array_less(found.bounds, least + 1e-9)
    np.testing.assert_allclose(found.bounds, least, rtol=0.0, atol=TIGHT)
    best = np.full(least.shape, below)
    for units, name, cost in found.grids:
        assert cost == pytest.approx(market.cost[as_set(units), name], abs=TIGHT)
        root = market.root[as_set(units)]
        best[root, name] = min(best[root, name], cost)
    np.testing.assert_allclose(best, least, rtol=0.0, atol=TIGHT)


@settings(max_examples=25)
@given(hard_towns, st.integers(0, 10**6), st.sampled_from([0, 1, 4]), st.floats(0.0, 1.0))
@example(draw_piece(11, 0), 1, 0, 0.5)  # the search for a rate ends for want of steps
def test_every_grid_below_the_cutoff_is_listed_once(piece: Piece, seed: int, fines: int, share: float) -> None:
    market = Market(piece, draw_sizes(piece, floor_penalty=bool(seed % 2)), seed, fines=fines)
    costs = np.sort(market.cost[1:][np.isfinite(market.cost[1:])])
    below = float(costs[int(share * (len(costs) - 1))]) + 0.01
    found = market.price(Ask(below, 10**6, 20_000, every=True))
    assert found.complete
    listed = [(as_set(units), name) for units, name, _ in found.grids]
    assert len(set(listed)) == len(listed)
    assert {(int(s), int(o)) for s, o in np.argwhere(market.cost < below - TIGHT) if s} <= set(listed)
    assert all(market.cost[grid] < below + TIGHT for grid in listed)


@settings(max_examples=25)
@given(hard_towns, st.integers(0, 10**6), st.sampled_from([0, 4]), st.sampled_from([0, 1, 2, 5, 20]))
def test_a_search_cut_short_bounds_from_below(piece: Piece, seed: int, fines: int, nodes: int) -> None:
    market = Market(piece, draw_sizes(piece), seed, fines=fines)
    found = market.price(Ask(FAR, nodes, 3))
    np.testing.assert_array_less(found.bounds, market.least() + 1e-9)
    for units, name, cost in found.grids:
        assert cost == pytest.approx(market.cost[as_set(units), name], abs=TIGHT)


@settings(max_examples=15)
@given(hard_towns, st.integers(0, 10**6), st.integers(1, 12))
def test_a_listing_that_is_too_long_says_so(piece: Piece, seed: int, most: int) -> None:
    market = Market(piece, draw_sizes(piece), seed)
    lawful = int(np.isfinite(market.cost[1:]).sum())
    found = market.price(Ask(FAR, 10**6, most, every=True, total=most))
    assert found.complete == (lawful <= most)
    cut_short = market.price(Ask(FAR, 1, 10_000, every=True))
    assert len(cut_short.grids) == lawful or not cut_short.complete


@settings(max_examples=15)
@given(towns, st.integers(0, 10**6), st.integers(1, 4))
def test_a_look_at_few_units_finds_real_grids(piece: Piece, seed: int, units: int) -> None:
    market = Market(piece, draw_sizes(piece), seed)
    for found, name, cost in market.price(Ask(FAR, 1000, 10, units=units)).grids:
        assert cost == pytest.approx(market.cost[as_set(found), name], abs=TIGHT)


def test_more_units_about_a_root_than_the_search_can_decide_are_no_whole_list() -> None:
    count = 650
    way = np.arange(count)
    street = build_piece(np.where(way == 0, 500, 0), way[:-1], way[1:], np.full(count - 1, 0.01), np.zeros(count - 1))
    roots = prepare_roots(street, build_sizes(BAND, 500, 1.0))
    asked = Ask(1.0, 10**6, 5000, every=True)
    rates = np.zeros((count, 1), dtype=np.int64)
    found = price_roots(roots, np.zeros(count), np.zeros(1), rates, asked, which=roots.order[:1])
    assert len(found.grids) == count or not found.complete


def test_homes_around_empty_land_are_priced_in_few_nodes() -> None:
    side, rng = 12, np.random.default_rng(1)
    at = np.arange(side * side).reshape(side, side)
    first = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    second = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    green = np.zeros((side, side), dtype=bool)
    green[1:-1, 1:-1] = True
    households = np.where(green.ravel(), 0, rng.integers(5, 60, side * side))
    households[0] = 250
    piece = build_piece(households, first, second, rng.uniform(0.05, 0.25, len(first)), np.zeros(len(first)))
    roots = prepare_roots(piece, build_sizes(BAND, int(households.sum()), 1.0))
    duals = np.where(green.ravel(), 0.015, 0.004 * households + 0.15 * rng.random(side * side))
    rates = np.zeros((side * side, 1), dtype=np.int64)
    found = price_roots(roots, duals, np.zeros(1), rates, Ask(-1e-4, 200, 1000))
    assert found.complete
    least = min(cost for _, _, cost in found.grids)
    assert found.bounds.min() == pytest.approx(least, abs=TIGHT)
    assert least < -1.0
