"""Measuring gdfast: problems, rivals, an interleaved clock, and the three reports made of them.

Nothing here is needed to use gdfast. The command ``gdfast bench`` and the suites in ``benchmarks/`` are built on it:

- `problems`, `peers`, `verify`: what is timed, against whom, and the check that comes before every timing;
- `measure`, `threads`, `machine`: how it is timed, on how many threads, on what;
- `suite`, `roofline`, `targets`: the three questions asked of it;
- `table`, `chart`, `report`: the answers, for a terminal, for the eye and for a program.
"""
