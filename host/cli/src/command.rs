//! One file per subcommand.

pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod deploy;
pub(crate) mod dev;
pub(crate) mod functions;
pub(crate) mod grant;
pub(crate) mod init;
pub(crate) mod keyset;
pub(crate) mod rollback;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod token;
