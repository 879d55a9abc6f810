"""What training cost: the plan it followed, what it read, and how fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Report:
    """What a fit did to get its result.

    Attributes
    ----------
    plan : {"stream", "moments"}
        Whether each pass read the data, or the moments that one read of it had left.
    passes : float
        How many times the data was read: bytes read by the bytes of one read. Finding a learning rate and the scales of
        the columns counts as well; where `form` is ``"long_columns"`` a pass reads x twice.
    bytes_read : int
        Bytes of x, y and sample_weight that were read.
    seconds : float
        Time that the whole fit took.
    threads : int or None
        Threads that the kernels could use; None where a reference backend leaves that to its library.
    isa : str
        Instruction set of the kernels; the name of the library for a reference backend.
    peak_bytes : int
        The most memory that training used at once beside its inputs and results. The reference backends don't count it
        and say 0.
    advice : tuple of str
        What could make this fit faster or better.
    form : str or None
        Form of the kernel that streamed the samples: the quickest for their shape, order and place. All that are
        possible give the same bits. None where moments took their place, and for a reference backend.
    disk_bytes : int
        Of a scan: the bytes of files that were read, compressed as they are.
    waited : float
        Of a scan: the seconds in which nothing was done but to wait for the next piece.
    copied_bytes : int
        Of arrays that were made of what came as something else: lists, integers, weights or targets of another dtype
        than x; with a reference backend, the columns of a table. What is converted a block at a time is in
        ``peak_bytes``.
    dropped_rows : int
        Rows that ``missing="drop"`` left out.

    Examples
    --------
    >>> import gdfast
    >>> report = gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8], n_iters=9, plan="stream", backend="numpy").report
    >>> report.plan, report.passes, report.bytes_read, report.isa
    ('stream', 10.0, 640, 'numpy')
    """

    plan: str
    passes: float
    bytes_read: int
    seconds: float
    threads: int | None
    isa: str
    peak_bytes: int
    advice: tuple[str, ...] = ()
    form: str | None = None
    disk_bytes: int = 0
    waited: float = 0.0
    copied_bytes: int = 0
    dropped_rows: int = 0

    @property
    def gb_per_s(self) -> float:
        """Bytes read by the seconds of the whole fit, in 10⁹ bytes a second."""
        return self.bytes_read / self.seconds / 1e9 if self.seconds > 0 else 0.0

    def __str__(self) -> str:
        rows = {
            "plan": self.plan,
            "passes": f"{self.passes:,g}",
            "bytes read": f"{self.bytes_read:,}",
            "seconds": f"{self.seconds:.3g}",
            "GB/s": f"{self.gb_per_s:.3g}",
            "threads": "left to the library" if self.threads is None else str(self.threads),
            "ISA": self.isa,
            **({} if self.form is None else {"form": self.form}),
            "peak bytes": f"{self.peak_bytes:,}",
        }
        if self.copied_bytes:
            rows["copied"] = f"{self.copied_bytes:,} bytes"
        if self.dropped_rows:
            rows["dropped"] = f"{self.dropped_rows:,} rows with a null"
        if self.disk_bytes:
            rows["from disk"] = f"{self.disk_bytes:,} bytes"
        if self.waited:
            rows["waited"] = f"{self.waited:.3g} s for pieces"
        lines = [f"{name:<10}  {value}" for name, value in rows.items()]
        return "\n".join([*lines, *(f"{'advice':<10}  {advice}" for advice in self.advice)])
