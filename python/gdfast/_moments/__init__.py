"""What `gdfast.Moments` is made of.

sums     the sums, of all rows and of each group, and how they are added up
models   what follows from them: the loss anywhere, a descent, the optimum
groups   the numbers of the groups, checked
"""
