"""What statistics packages print beside coefficients: standard errors, and all that follows from them.

asked       the options of `Fit.summary`, checked
basis       what a fit keeps for it: moments, number of rows, penalties
design      the inverse of the Gram matrix, and the coordinates in which it is taken
sandwich    covariances that trust no assumption on the residuals, from one more read
summarise   the way of `Fit.summary`, and what it refuses
"""
