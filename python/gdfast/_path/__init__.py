"""What `gdfast.path` is made of.

request     what was asked for, checked
planning    whether moments are taken or the data is streamed, and what either costs
folds       which rows are held out together
moments     moments of each fold, in one read of the data
streamed    the path of data whose moments would be too large; `parts` are the rows it walks
result      the `Path` that comes of it
table       all numbers of a path, and what the rules choose
drawing     the pictures of a path
"""
