//! HTTP: accept, sniff, limits, time-outs.
