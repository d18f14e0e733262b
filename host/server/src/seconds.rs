//! Tells whoever waits for a moment that the second has changed.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Sends the second that it is, as often as it changes, until `stop` turns true.
pub(crate) async fn tell(clock: Clock, seconds: watch::Sender<u64>, mut stop: watch::Receiver<bool>) {
    loop {
        seconds.send_if_modified(|told| {
            let now = clock.seconds();
            std::mem::replace(told, now) != now
        });
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
