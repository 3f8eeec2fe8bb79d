//! The seam to the outside: two drivers behind one set of functions.
