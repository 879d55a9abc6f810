"""What `gdfast.path` is made of.

folds       which rows are held out together
moments     moments of each fold, in one read of the data
drawing     the pictures of a path
"""
