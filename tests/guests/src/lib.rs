//! Functions that misbehave in one way each, for the host's tests; every example is one.
