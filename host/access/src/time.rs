//! Time as a value: an instant in unix seconds, a time to live in minutes, and the moment a grant ends.

use std::fmt;
use std::str::FromStr;

/// An instant: whole seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(u64);

/// How long a v2 grant is asked to last: 1 to 525600 minutes, or for ever (`0` on the wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ttl(u32);

/// When a grant ends: at an instant, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expiry(u64);

/// Why a value is not a time to live.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedTtl {
    /// A number outside 0 to 525600.
    #[error("a ttl of {minutes} minutes is outside 0 to 525600")]
    OutOfRange {
        /// The number given.
        minutes: u64,
    },
    /// Not a plain decimal number.
    #[error("the ttl `{text}` is not a number of minutes")]
    NotANumber {
        /// The text given.
        text: String,
    },
}

impl UnixSeconds {
    /// The instant that many seconds after the epoch.
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Ttl {
    /// Never ends; `0` on the wire.
    pub const FOR_EVER: Self = Self(0);
    /// What a v2 grant without `ttl` gets: 1440 minutes.
    pub const DEFAULT: Self = Self(1440);
    /// The longest that ends: 525600 minutes.
    pub const LONGEST_FINITE: Self = Self(525_600);

    /// Minutes, `0` meaning for ever.
    pub const fn minutes(self) -> u32 {
        self.0
    }

    /// Whether a grant may ask for this much where `longest` is the most; for ever fits only for ever.
    pub const fn fits(self, longest: Self) -> bool {
        longest.0 == 0 || (self.0 != 0 && self.0 <= longest.0)
    }

    /// When a grant made `now` ends.
    pub const fn expiry(self, now: UnixSeconds) -> Expiry {
        match self.0 {
            0 => Expiry::NEVER,
            minutes => Expiry::at(UnixSeconds(now.0.saturating_add(minutes as u64 * 60))),
        }
    }
}

impl Expiry {
    /// No end. It shares its value with the last instant that fits, which is never reached.
    pub const NEVER: Self = Self(u64::MAX);

    /// Ends at that instant: it is over from the first second on which `now` equals it.
    pub const fn at(instant: UnixSeconds) -> Self {
        Self(instant.0)
    }

    /// The instant, or `None` for never.
    pub const fn instant(self) -> Option<UnixSeconds> {
        match self {
            Self::NEVER => None,
            Self(seconds) => Some(UnixSeconds(seconds)),
        }
    }

    /// Whether the grant is over.
    pub const fn is_over(self, now: UnixSeconds) -> bool {
        match self {
            Self::NEVER => false,
            Self(seconds) => now.0 >= seconds,
        }
    }

    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl TryFrom<u64> for Ttl {
    type Error = MalformedTtl;

    fn try_from(minutes: u64) -> Result<Self, MalformedTtl> {
        match u32::try_from(minutes) {
            Ok(fitting) if fitting <= Self::LONGEST_FINITE.0 => Ok(Self(fitting)),
            Ok(_) | Err(_) => Err(MalformedTtl::OutOfRange { minutes }),
        }
    }
}

impl FromStr for Ttl {
    type Err = MalformedTtl;

    fn from_str(text: &str) -> Result<Self, MalformedTtl> {
        let not_a_number = || MalformedTtl::NotANumber { text: text.into() };
        // `u64::from_str` would also take a leading plus sign.
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(not_a_number());
        }
        text.parse::<u64>().map_err(|_| not_a_number())?.try_into()
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("for ever"),
            1 => f.write_str("1 minute"),
            minutes => write!(f, "{minutes} minutes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_zero_or_up_to_a_year() {
        for (text, expected) in [
            ("0", Ok(Ttl::FOR_EVER)),
            ("1440", Ok(Ttl::DEFAULT)),
            ("525600", Ok(Ttl::LONGEST_FINITE)),
            ("525601", Err(MalformedTtl::OutOfRange { minutes: 525_601 })),
            ("", Err(MalformedTtl::NotANumber { text: "".into() })),
            ("+5", Err(MalformedTtl::NotANumber { text: "+5".into() })),
            ("-1", Err(MalformedTtl::NotANumber { text: "-1".into() })),
            ("1.5", Err(MalformedTtl::NotANumber { text: "1.5".into() })),
        ] {
            assert_eq!(text.parse::<Ttl>(), expected);
        }
    }

    #[test]
    fn for_ever_fits_only_for_ever() {
        for (asked, longest, expected) in
            [(60, 60, true), (61, 60, false), (0, 525_600, false), (0, 0, true), (525_600, 0, true)]
        {
            let ttl = |minutes: u64| Ttl::try_from(minutes).unwrap();
            assert_eq!(ttl(asked).fits(ttl(longest)), expected, "{asked} within {longest}");
        }
    }

    #[test]
    fn a_grant_is_over_on_the_second_it_ends() {
        let now = UnixSeconds::new(1000);
        let expiry = Ttl(1).expiry(now);
        assert_eq!(expiry.instant(), Some(UnixSeconds::new(1060)));
        assert!(!expiry.is_over(UnixSeconds::new(1059)));
        assert!(expiry.is_over(UnixSeconds::new(1060)));
        assert!(!Ttl::FOR_EVER.expiry(now).is_over(UnixSeconds::new(u64::MAX)));
        assert_eq!(Ttl(1).expiry(UnixSeconds::new(u64::MAX)), Expiry::NEVER);
    }
}
