//! Milliseconds since 1970 as a date and a time of day, UTC.

/// A date and time of day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilTime {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub millisecond: u32,
}

impl CivilTime {
    /// Of milliseconds since 1970-01-01T00:00:00Z.
    pub fn from_millis(millis: u64) -> Self {
        let (seconds, millisecond) = (millis / 1000, (millis % 1000) as u32);
        let (days, of_day) = (seconds / 86_400, (seconds % 86_400) as u32);
        // Years are counted from March, so that the leap day comes last; 400 years have always the
        // same number of days.
        let shifted = days as i64 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: month as u32,
            day: (day_of_year - (153 * from_march + 2) / 5 + 1) as u32,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            millisecond,
        }
    }

    /// `2024-01-02T03:04:05.678Z`; without the fraction if it is zero, as the JSON mapping has it.
    pub fn rfc3339_millis(self) -> String {
        let mut text = self.rfc3339_seconds();
        if self.millisecond > 0 {
            text.pop();
            text.push_str(&format!(".{:03}Z", self.millisecond));
        }
        text
    }

    /// `2024-01-02T03:04:05Z`.
    pub fn rfc3339_seconds(self) -> String {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (1_709_164_800_001, "2024-02-29T00:00:00.001Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (253_402_300_799_000, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(CivilTime::from_millis(millis).rfc3339_millis(), text);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = CivilTime::from_millis(0);
        for day in 1..200_000 {
            let now = CivilTime::from_millis(day * 86_400_000);
            let next_day =
                (now.year, now.month) == (before.year, before.month) && now.day == before.day + 1;
            let next_month = now.day == 1 && before.day >= 28;
            assert!(next_day || next_month, "{before:?} {now:?}");
            before = now;
        }
    }
}
