#pragma once

namespace gdfast {

// Whether tables of any types, parts and bits give the bits of the matrix of their columns; what differs goes to stderr.
bool check_tables();

}  // namespace gdfast
