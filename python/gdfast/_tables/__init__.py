"""Tables: columns that have names and types of their own, read where they lie.

Whatever container a table comes in, `stored` finds where its columns lie and what they are stored as, by the Arrow C
Data Interface or in NumPy's memory; `opened` has them under their names; `table` is what stands for x where no array
can.
"""
