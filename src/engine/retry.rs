//! Another try after an error that may not occur again.

use crate::error::{Error, Result};
use crate::pg::{message, settings, transaction};
use std::time::{Duration, SystemTime};

/// Whether another try may succeed: a lock was not available, or another transaction was faster.
pub fn may_be_tried_again(error: &Error) -> bool {
    let Some(error) = error.server() else { return false };
    ["55P03", "40P01", "40001"].contains(&error.sqlstate().as_str())
}

/// Reports that there will be another try, and pauses before it. Error: a cancel.
pub fn pause_before_try(title: &str, error: &Error, tries: u32) -> Result<()> {
    let pause = pause(tries);
    message::notice(&format!(
        "{title}: {}; trying again in {:.1} s ({tries} of {})",
        error.summary().1,
        pause.as_secs_f64(),
        settings::lock_retries()
    ));
    transaction::wait(pause)
}

/// Whether an error is a cancel or a timeout.
pub fn is_cancel(error: &Error) -> bool {
    error.server().is_some_and(|error| error.sqlstate() == "57014")
}

/// How long to pause before a try. The pause grows with each try, and differs between sessions.
fn pause(tries: u32) -> Duration {
    let longest = Duration::from_secs(30);
    let time = Duration::from_millis(200).saturating_mul(1 << tries.min(16)).min(longest);
    let clock = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
    time.mul_f64(0.5 + f64::from(clock % 1000) / 2000.0)
}
