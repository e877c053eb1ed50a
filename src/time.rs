//! Points in time: seconds since 1970, their ASN.1 texts, and Apple's absolute time.
//!
//! X.690 11.7 and 11.8, as narrow as Apple's readers: whole seconds, `Z` only. No clock is read here.

use std::fmt;
use std::time::SystemTime;

/// Seconds between 1970-01-01 and 2001-01-01, where CoreFoundation's absolute time begins.
const ABSOLUTE_EPOCH: i64 = 978_307_200;
const DAY: i64 = 86_400;

/// Seconds since 1970-01-01 00:00:00 UTC without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(pub i64);

impl From<SystemTime> for UnixTime {
    /// The second that `time` falls into; 1970 for what is before.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

impl UnixTime {
    /// The time of a date and a time of day in UTC, or `None` when there is no such date.
    #[must_use]
    pub fn from_utc(date: (i64, i64, i64), clock: (i64, i64, i64)) -> Option<Self> {
        let (year, month, day) = date;
        let (hour, minute, second) = clock;
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            4 | 6 | 9 | 11 => 30,
            2 if is_leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        let is_valid = (0..=9999).contains(&year)
            && (1..=length).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second);
        if !is_valid {
            return None;
        }
        // Days of the proleptic Gregorian calendar, counted in years that begin in March.
        let (shifted_year, shifted_month) = if month > 2 {
            (year, month.checked_sub(3)?)
        } else {
            (year.checked_sub(1)?, month.checked_add(9)?)
        };
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let day_of_year = shifted_month
            .checked_mul(153)?
            .checked_add(2)?
            .checked_div(5)?
            .checked_add(day)?
            .checked_sub(1)?;
        let day_of_era = year_of_era
            .checked_mul(365)?
            .checked_add(year_of_era / 4)?
            .checked_sub(year_of_era / 100)?
            .checked_add(day_of_year)?;
        let days = era
            .checked_mul(146_097)?
            .checked_add(day_of_era)?
            .checked_sub(719_468)?;
        let seconds = hour
            .checked_mul(3600)?
            .checked_add(minute.checked_mul(60)?)?
            .checked_add(second)?;
        Some(Self(days.checked_mul(DAY)?.checked_add(seconds)?))
    }

    /// Year, month, day, hour, minute, second in UTC.
    #[must_use]
    pub fn to_utc(self) -> (i64, i64, i64, i64, i64, i64) {
        let days = self.0.div_euclid(DAY).saturating_add(719_468);
        let seconds = self.0.rem_euclid(DAY);
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = day_of_era
            .saturating_sub(day_of_era / 1460)
            .saturating_add(day_of_era / 36_524)
            .saturating_sub(day_of_era / 146_096)
            / 365;
        let day_of_year = day_of_era.saturating_sub(
            year_of_era
                .saturating_mul(365)
                .saturating_add(year_of_era / 4)
                .saturating_sub(year_of_era / 100),
        );
        let shifted = day_of_year.saturating_mul(5).saturating_add(2) / 153;
        let day = day_of_year
            .saturating_sub(shifted.saturating_mul(153).saturating_add(2) / 5)
            .saturating_add(1);
        let month = if shifted < 10 {
            shifted.saturating_add(3)
        } else {
            shifted.saturating_sub(9)
        };
        let year = era
            .saturating_mul(400)
            .saturating_add(year_of_era)
            .saturating_add(i64::from(month <= 2));
        (year, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    /// The time of a `YYYYMMDDHHMMSSZ` text.
    #[must_use]
    pub fn from_generalized(text: &[u8]) -> Option<Self> {
        let (year, rest) = text.split_at_checked(4)?;
        Self::from_parts(number(year)?, rest)
    }

    /// The time of a `YYMMDDHHMMSSZ` text; years from 50 on belong to the 20th century (RFC 5280 4.1.2.5.1).
    #[must_use]
    pub fn from_utc_time(text: &[u8]) -> Option<Self> {
        let (year, rest) = text.split_at_checked(2)?;
        let year = number(year)?;
        let century = if year >= 50 { 1900 } else { 2000 };
        Self::from_parts(year.checked_add(century)?, rest)
    }

    /// The rest of both forms: `MMDDHHMMSSZ`.
    fn from_parts(year: i64, rest: &[u8]) -> Option<Self> {
        let [m1, m2, d1, d2, h1, h2, n1, n2, s1, s2, b'Z'] = rest else {
            return None;
        };
        let two = |first: &u8, second: &u8| number(&[*first, *second]);
        Self::from_utc(
            (year, two(m1, m2)?, two(d1, d2)?),
            (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?),
        )
    }

    /// The time of an RFC 3339 text in UTC, `2026-11-24T12:00:00Z`, or of a date alone.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00Z"));
        let mut date = date.splitn(3, '-').map(|part| number(part.as_bytes()));
        let mut clock = clock
            .strip_suffix('Z')?
            .splitn(3, ':')
            .map(|part| number(part.as_bytes()));
        Self::from_utc(
            (date.next()??, date.next()??, date.next()??),
            (clock.next()??, clock.next()??, clock.next()??),
        )
    }

    /// The time with this many seconds since 2001.
    #[must_use]
    pub fn from_absolute(seconds: i64) -> Self {
        Self(seconds.saturating_add(ABSOLUTE_EPOCH))
    }

    /// Seconds since 2001.
    #[must_use]
    pub fn to_absolute(self) -> i64 {
        self.0.saturating_sub(ABSOLUTE_EPOCH)
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// RFC 3339 in UTC.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.to_utc();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_centuries() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2001-01-01T00:00:00Z", ABSOLUTE_EPOCH),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2038-01-19T03:14:08Z", 2_147_483_648),
            ("1969-12-31T23:59:59Z", -1),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            let time = UnixTime::from_rfc3339(text).unwrap();
            assert_eq!((time.0, time.to_string().as_str()), (seconds, text));
        }
        assert_eq!(
            UnixTime::from_rfc3339("2026-11-24").unwrap().to_string(),
            "2026-11-24T00:00:00Z"
        );
    }

    #[test]
    fn only_real_dates_in_exact_form() {
        assert_eq!(
            UnixTime::from_generalized(b"20190408000000Z")
                .unwrap()
                .to_absolute(),
            576_374_400
        );
        assert_eq!(
            UnixTime::from_utc_time(b"500101000000Z").unwrap().to_utc().0,
            1950
        );
        assert_eq!(
            UnixTime::from_utc_time(b"491231235959Z").unwrap().to_utc().0,
            2049
        );
        for text in [
            "20190229000000Z",
            "20191301000000Z",
            "20190101240000Z",
            "20190101000000.5Z",
            "2019010100000Z",
            "20190101000000+",
        ] {
            assert_eq!(UnixTime::from_generalized(text.as_bytes()), None, "{text}");
        }
    }
}
