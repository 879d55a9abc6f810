"""Datasets of pyarrow, fragment by fragment and there by row groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from gdfast._scan.arrow import Decoder, Undecoded, cut, equal_parts, storage
from gdfast._scan.choice import wanted
from gdfast._scan.pieces import Asked, Piece, Wanted
from gdfast._scan.sources.files import unreadable
from gdfast._scan.sources.stamp import changed


class State(NamedTuple):
    """What tells one state of a file from another, wherever it is."""

    size: int | None
    modified: int | None  # ns


class DatasetSource:
    """A `pyarrow.dataset.Dataset`: files in any place that pyarrow knows, columns made of folders' names, filters."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def bind(self, asked: Asked) -> BoundDataset:
        """See `Source`."""
        schema = self.dataset.schema
        kinds = dict(zip(schema.names, schema.types, strict=True))
        found = wanted("the dataset", schema.names, asked, lambda name: storage(kinds[name]))
        return BoundDataset(self.dataset, found)


class BoundDataset:
    """A dataset whose columns are chosen; see `Bound`."""

    one_column = False
    restartable = True

    def __init__(self, dataset: Any, wanted: Wanted) -> None:
        self.dataset, self.wanted = dataset, wanted
        self.decoder = Decoder(wanted)
        self.names: tuple[str, ...] | None = wanted.x
        self.d, self.dtype = len(wanted.x), wanted.dtype
        self.has_y, self.weighted = wanted.y is not None, wanted.sample_weight is not None
        self.states: dict[str, State] = {}  # of files, by their paths
        self.filter = getattr(dataset, "_scan_options", {}).get("filter")
        if self.filter is not None:
            self.dataset = _unfiltered(dataset)
        self.rows = self._known_rows()

    def _known_rows(self) -> int | None:
        """Where they stand in the files' metadata."""
        if self.filter is not None or self.wanted.missing == "drop":
            return None
        fragments = list(self.dataset.get_fragments())
        if not all(hasattr(fragment, "num_row_groups") for fragment in fragments):
            return None
        return sum(int(group.num_rows) for fragment in fragments for group in fragment.row_groups)

    def read(self) -> Iterator[Undecoded]:
        """See `Bound`."""
        for fragment in self.dataset.get_fragments(filter=self.filter):
            self._check(fragment)
            yield from self._fragment(fragment)
            self._check(fragment)

    def _check(self, fragment: Any) -> None:
        """Raise if its file isn't what it was when it was first read. Those in memory have none."""
        path = getattr(fragment, "path", None)
        if path is None:
            return
        info = fragment.filesystem.get_file_info(path)
        now = State(info.size, info.mtime_ns)
        before = self.states.setdefault(path, now)
        if now != before:
            raise changed(path)

    def _fragment(self, fragment: Any) -> Iterator[Undecoded]:
        split = getattr(fragment, "split_by_row_group", None)
        for i, unit in enumerate(split() if split else [fragment]):
            where = getattr(fragment, "path", "the dataset") + (f", row group {i}" if split else "")
            rows = self.wanted.piece_rows
            if split and unit.row_groups[0].num_rows:
                rows = equal_parts(unit.row_groups[0].num_rows, self.wanted.unit_rows)
            try:
                yield from cut(self._batches(unit, rows), self.wanted.every, rows, where, 0)
            except OSError as error:
                raise unreadable(where, error) from None

    def piece(self, read: Undecoded) -> Piece:
        """See `Bound`."""
        return self.decoder.piece(read)

    def _batches(self, unit: Any, rows: int) -> Iterator[Any]:
        """Without reading ahead: what pyarrow reads ahead on its own is many times what is worked on."""
        batches = unit.to_batches(
            schema=self.dataset.schema,
            columns=self.wanted.every,
            filter=self.filter,
            batch_size=rows,
            batch_readahead=1,
            fragment_readahead=1,
        )
        return (batch for batch in batches if batch.num_rows)


def _unfiltered(dataset: Any) -> Any:
    """The same without its filter: a dataset that has one hands out no fragments, to which it is said again."""
    plain = dataset.replace_schema(dataset.schema)  # a copy
    plain._scan_options = {}
    return plain
