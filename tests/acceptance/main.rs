//! What Usher promises, one file per subject; every test starts real servers and speaks HTTP to them.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod capability;
mod cli_check;
mod cli_failures;
mod cli_functions;
mod cli_grant;
mod cli_help;
mod cli_init;
mod cli_keyset;
mod cli_secret;
mod contained_guests;
mod data_plane;
mod data_plane_sockets;
mod deployments;
mod deployments_damage;
mod docs;
mod drain;
mod grants;
mod process_bed;
mod process_damage;
mod process_disk_full;
mod process_drain;
mod process_folder;
mod process_kill;
mod process_logs;
mod process_start;
mod remote_grants;
mod secrets_never_leak;
mod tls;
mod validate_by_webhook;
