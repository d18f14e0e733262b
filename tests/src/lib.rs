//! The test bed: real servers in this process or in one of their own, real webhooks, real files.
#![expect(clippy::expect_used, clippy::panic, reason = "a test bed that cannot be set up has to say so at once")]

mod bed;
mod caller;
mod certificate;
mod compiled;
mod every;
mod guests;
mod log;
mod origin;
mod process;
mod webhook;

pub use bed::{Answer, Bed, Settings};
pub use caller::Call;
pub use certificate::Certificate;
pub use every::{every_capability, failed_with};
pub use guests::{function, guest};
pub use log::Log;
pub use origin::{Conduct, Origin};
pub use process::{Process, binary, usher};
pub use webhook::{Received, Webhook};
