"""Print how long the p-median takes on OR-Library networks, and how far the answer is from the published optimum.

Run as ``python -m tests.bench.bench_siting [numbers]`` from the checkout, with WANGGE_DATA set or the data beside it.
"""

import sys
import time

from spatial.siting.choose import choose_sites
from tests.real_data import real
from tests.siting.pmed import OPTIMA, read_pmed
from tests.siting.towns import siting_profile

DEFAULT = range(1, 7)


def main(numbers: list[int]) -> None:
    """Solve each network once and print a row."""
    print(
        f"{'network':>8} {'nodes':>6} {'p':>4} {'objective':>10} {'optimum':>8} {'gap':>8} {'status':>8} {'CPU s':>7}"
    )
    for number in numbers:
        times, demand, candidates, p = read_pmed(real(f"pmed/pmed{number}.txt"))
        started = time.process_time()
        choice = choose_sites(times, demand, candidates, siting_profile("p_median"), p=p)
        seconds = time.process_time() - started
        print(
            f"{f'pmed{number}':>8} {len(demand):6d} {p:4d} {choice.objective:10.0f} {OPTIMA[number]:8d} "
            f"{choice.gap:8.4%} {choice.status:>8} {seconds:7.2f}"
        )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or list(DEFAULT))
