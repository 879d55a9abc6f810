"""Gradient descent from scratch, in four steps: by hand, by hand with gdfast, with the true gradient, and in one call.

Run it with ``python examples/tutorial.py``.
"""

from __future__ import annotations

import numpy as np

import gdfast

# The rule to be found is y = 2 * x. Nothing but these four samples tells of it.
x = np.array([1, 2, 3, 4], dtype=np.float32)
y = np.array([2, 4, 6, 8], dtype=np.float32)
five = np.array([5], dtype=np.float32)

LEARNING_RATE = 0.01


def by_hand() -> float:
    """Everything written out in NumPy."""
    w = 0.0
    for epoch in range(20):
        residual = w * x - y
        loss = (residual**2).mean()
        # The sum over the samples, n times the gradient of the mean above. Adding `.mean()` would not change that:
        # `dot` has left a single number to average.
        gradient = np.dot(2 * x, residual)
        w -= LEARNING_RATE * gradient
        if epoch % 2 == 0:
            print(f"epoch {epoch + 1}: w = {w:.3f}, loss = {loss:.8f}")
    return w


def by_hand_with_gdfast() -> float:
    """The same loop; loss and gradient come from one read of the data, and the gradient says that it is a sum."""
    w = 0.0
    for epoch in range(20):
        total, gradient = gdfast.loss_and_gradient(x, y, w, reduction="sum")
        w -= LEARNING_RATE * gradient
        if epoch % 2 == 0:
            print(f"epoch {epoch + 1}: w = {w:.3f}, loss = {total / len(x):.8f}")
    return w


def with_the_gradient_of_the_mean() -> float:
    """What autograd would do: a quarter of the step, so it needs more of them."""
    w = 0.0
    for epoch in range(100):
        loss, gradient = gdfast.loss_and_gradient(x, y, w)
        w -= LEARNING_RATE * gradient
        if epoch % 10 == 0:
            print(f"epoch {epoch + 1}: w = {w:.3f}, loss = {loss:.8f}")
    return w


def in_one_call() -> float:
    """The loop in C++ as well."""
    fit = gdfast.fit(x, y, learning_rate=LEARNING_RATE, n_iters=100)
    for epoch in range(0, 100, 10):
        print(f"epoch {epoch + 1}: loss = {fit.losses[epoch]:.8f}")
    return float(fit.w)


def main() -> None:
    """Train four times and predict f(5)."""
    for train in (by_hand, by_hand_with_gdfast, with_the_gradient_of_the_mean, in_one_call):
        print(f"{train.__doc__}\n")
        print(f"Prediction before training: f(5) = {gdfast.forward(five, 0.0)[0]:.3f}")
        w = train()
        print(f"Prediction after training: f(5) = {gdfast.forward(five, w)[0]:.3f}\n")


if __name__ == "__main__":
    main()
