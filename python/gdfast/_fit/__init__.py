"""What `gdfast.fit` is made of, beside its options (`fit_options`), its way (`training`) and its result (`result`).

data           x, y, weights, validation and the start, checked
combinations   which options mean something together
machinery      what training asks of a backend
planning       from moments, or streamed
handing_over   what callbacks see, and what is left of a fit that an exception ends
"""
