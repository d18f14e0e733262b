//! One file per subcommand.

pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod deploy;
pub(crate) mod dev;
pub(crate) mod functions;
pub(crate) mod grant;
pub(crate) mod hash;
pub(crate) mod init;
pub(crate) mod keyset;
pub(crate) mod logs;
pub(crate) mod policy;
pub(crate) mod rollback;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod users_file;
pub(crate) mod why;
