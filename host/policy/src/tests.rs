//! What the policy language promises, asked through the crate's public types.

mod valve;
