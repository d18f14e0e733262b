//! Whole numbers with a unit behind them: lengths of time and sizes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time with its unit, for values that allow other words besides.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    text.parse().map(|WithUnit(Millis(millis))| Duration::from_millis(millis))
}

/// A length of time as it is written, by the largest unit that leaves nothing over.
pub(super) struct Spelled(pub(super) Duration);

impl fmt::Display for Spelled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
        let fitting = units.iter().find(|(_, scale)| millis > 0 && millis.is_multiple_of(*scale));
        let (unit, scale) = fitting.unwrap_or(&("ms", 1));
        write!(out, "{}{unit}", millis / scale)
    }
}

/// A whole number with a unit behind it.
pub(super) struct WithUnit<U>(pub(super) U);
pub(super) struct Millis(pub(super) u64);
pub(super) struct Bytes(pub(super) u64);

pub(super) trait Unit: Sized {
    const EXAMPLES: &'static str;
    fn of(number: u64, unit: &str) -> Option<Self>;
}

impl Unit for Millis {
    const EXAMPLES: &'static str = "`250ms`, `2s`, `5m`, `1h` or `7d`";
    fn of(number: u64, unit: &str) -> Option<Self> {
        let scale = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        number.checked_mul(scale).map(Self)
    }
}

impl Unit for Bytes {
    const EXAMPLES: &'static str = "`512B`, `64KiB` or `16MiB`";
    fn of(number: u64, unit: &str) -> Option<Self> {
        let scale = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(scale).map(Self)
    }
}

impl<U: Unit> FromStr for WithUnit<U> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let parsed = number.parse().ok().and_then(|number| U::of(number, unit.trim()));
        parsed.map(Self).ok_or_else(|| format!("`{text}` is to be a whole number with a unit, such as {}", U::EXAMPLES))
    }
}
