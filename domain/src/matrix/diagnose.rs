//! What is wrong with a spec, seen from the matrix.
