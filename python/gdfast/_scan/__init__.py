"""Data that is read again and again in pieces: where they come from, reading ahead, and sums over them.

A *piece* is consecutive rows, as arrays that the kernels take: what a source hands out, in a fixed order and with a
number. A sum over a scan is made of sums over its pieces, added in float64 in a binary tree over the pieces' numbers
(`tree`): so it has the same bits whoever makes the parts, and whenever.
"""
