// Several models of the same rows, each with its own weights and perhaps its own target, for one read of x: a piece of it
// serves all of them before the next one comes. What comes out has, for each model, the bits of a call for it alone.
#pragma once

#include "least_squares.hpp"

namespace gdfast {

// A matrix of K columns has one for each model; in one with columns 0 bytes apart it is the same for all. Matrices and
// vectors that are absent have null data.
struct ModelSamples {
  MatrixView x;
  VectorView s;
  MatrixView y, y_pred;
  std::int64_t models;  // K, at least 1
  TableView table = {};
};

struct Weights {
  MatrixView w;  // (d, K)
  VectorView b;  // (K,), or null
};

// Losses, and gradients in w into grad (d, K). False if `stop` gave up. `negative` tells whether a weight is below 0.
template <class T>
bool losses_and_gradients(const ModelSamples& samples, const Weights& weights, Reduction reduction, T* grad,
                          Loss* losses, const Stop* stop = nullptr, bool* negative = nullptr);

// out[k · n + i] = x_i · w_k + b_k
template <class T>
void forward(const ModelSamples& samples, const Weights& weights, T* out, const Stop* stop = nullptr);

// grad (d, K): of each column of y_pred against that of y
template <class T>
void gradients(const ModelSamples& samples, Reduction reduction, T* grad, const Stop* stop = nullptr);

}  // namespace gdfast
