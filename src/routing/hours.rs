//! Working hours: weekly shifts in a time zone.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// When an agent works. Clock times are those of the zone, so a shift keeps its hour when summer time begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// A name of the IANA database, such as `Asia/Tokyo`.
    #[serde(with = "zone")]
    pub time_zone: Tz,
    pub shifts: Vec<Shift>,
}

/// A stretch of hours on some days of the week. One that ends no later than it begins goes on into the next day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// `Mon` to `Sun`.
    pub days: Vec<Weekday>,
    /// `HH:MM`, included.
    #[serde(with = "clock")]
    pub from: NaiveTime,
    /// `HH:MM`, not included.
    #[serde(with = "clock")]
    pub to: NaiveTime,
}

impl Hours {
    /// Whether the agent is on shift at this moment.
    pub fn cover(&self, now: DateTime<Utc>) -> bool {
        let local = now.with_timezone(&self.time_zone).naive_local();
        let (today, time) = (local.weekday(), local.time());
        let yesterday = today.pred();
        self.shifts.iter().any(|shift| {
            let over_midnight = shift.to <= shift.from;
            let begun =
                shift.days.contains(&today) && time >= shift.from && (over_midnight || time < shift.to);
            let from_yesterday = over_midnight && shift.days.contains(&yesterday) && time < shift.to;
            begun || from_yesterday
        })
    }
}

impl Hours {
    /// Since when the agent is off shift: the end of their last one, or the beginning of time for somebody who had none within a week. None
    /// on shift. An end at an hour that the clock skips is an hour later.
    pub fn off_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.cover(now) {
            return None;
        }
        let today = now.with_timezone(&self.time_zone).date_naive();
        // A shift that began a week ago may have ended on the day after.
        let days = (0..=8).filter_map(|back| today.checked_sub_days(Days::new(back)));
        let ends = days.flat_map(|day| self.shifts.iter().filter_map(move |shift| self.end(shift, day)));
        Some(ends.filter(|end| *end <= now).max().unwrap_or(DateTime::<Utc>::MIN_UTC))
    }

    /// When a shift ends that began on this day, if it did.
    fn end(&self, shift: &Shift, day: NaiveDate) -> Option<DateTime<Utc>> {
        if !shift.days.contains(&day.weekday()) {
            return None;
        }
        let last = if shift.to <= shift.from { day.succ_opt()? } else { day };
        let end = last.and_time(shift.to);
        let skipped = || (end + TimeDelta::hours(1)).and_local_timezone(self.time_zone).latest();
        let end = end.and_local_timezone(self.time_zone).latest().or_else(skipped)?;
        Some(end.with_timezone(&Utc))
    }
}

mod zone {
    use super::*;

    pub fn serialize<S: serde::Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.name())
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(|_| serde::de::Error::custom("expected a time zone such as \"Asia/Tokyo\""))
    }
}

mod clock {
    use super::*;

    const FORMAT: &str = "%H:%M";

    pub fn serialize<S: serde::Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format(FORMAT))
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, FORMAT)
            .map_err(|_| serde::de::Error::custom("expected a time of day such as \"09:30\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(json: &str) -> Hours {
        serde_json::from_str(json).unwrap()
    }

    fn covers(hours: &Hours, moment: &str) -> bool {
        hours.cover(moment.parse().unwrap())
    }

    #[test]
    fn a_shift_is_read_in_its_time_zone() {
        let tokyo =
            hours(r#"{"time_zone":"Asia/Tokyo","shifts":[{"days":["Mon"],"from":"09:00","to":"18:00"}]}"#);
        // Monday 23 November 2026, nine hours ahead of UTC.
        assert!(covers(&tokyo, "2026-11-23T00:00:00Z"));
        assert!(!covers(&tokyo, "2026-11-22T23:59:59Z"));
        assert!(!covers(&tokyo, "2026-11-23T09:00:00Z"), "the end does not belong to it");
        assert_eq!(hours(&serde_json::to_string(&tokyo).unwrap()), tokyo);
    }

    #[test]
    fn a_night_shift_goes_on_into_the_next_day() {
        let night =
            hours(r#"{"time_zone":"Asia/Tokyo","shifts":[{"days":["Sun"],"from":"22:00","to":"06:00"}]}"#);
        assert!(covers(&night, "2026-11-22T13:00:00Z"));
        assert!(covers(&night, "2026-11-22T20:59:00Z"), "05:59 on Monday");
        assert!(!covers(&night, "2026-11-22T21:00:00Z"));
        assert!(!covers(&night, "2026-11-21T20:00:00Z"), "05:00 on Sunday belongs to Saturday's night");
    }

    #[test]
    fn summer_time_keeps_the_hour_of_the_clock() {
        let london =
            hours(r#"{"time_zone":"Europe/London","shifts":[{"days":["Fri"],"from":"09:00","to":"10:00"}]}"#);
        assert!(covers(&london, "2026-01-09T09:30:00Z"));
        assert!(covers(&london, "2026-07-10T08:30:00Z"));
        assert!(!covers(&london, "2026-07-10T09:30:00Z"));
    }

    #[test]
    fn off_shift_since_the_end_of_the_last_one() {
        let since = |json: &str, moment: &str| {
            hours(json).off_since(moment.parse().unwrap()).map(|since| since.format("%FT%RZ").to_string())
        };
        let days = r#"{"time_zone":"Asia/Tokyo","shifts":[{"days":["Mon","Tue"],"from":"09:00","to":"12:00"},
            {"days":["Mon"],"from":"13:00","to":"18:00"}]}"#;
        assert_eq!(since(days, "2026-11-23T08:59:00Z"), None, "17:59 on Monday");
        assert_eq!(since(days, "2026-11-23T03:30:00Z").as_deref(), Some("2026-11-23T03:00Z"), "at lunch");
        assert_eq!(since(days, "2026-11-23T23:00:00Z").as_deref(), Some("2026-11-23T09:00Z"));
        assert_eq!(
            since(days, "2026-11-29T23:00:00Z").as_deref(),
            Some("2026-11-24T03:00Z"),
            "since Tuesday"
        );
        let night = r#"{"time_zone":"Asia/Tokyo","shifts":[{"days":["Sun"],"from":"22:00","to":"06:00"}]}"#;
        assert_eq!(since(night, "2026-11-22T21:30:00Z").as_deref(), Some("2026-11-22T21:00Z"));
        assert_eq!(since(night, "2026-11-29T12:00:00Z").as_deref(), Some("2026-11-22T21:00Z"), "a week ago");
        // Summer time begins: there is no 02:30 on that day.
        let skipped =
            r#"{"time_zone":"Europe/Berlin","shifts":[{"days":["Sat"],"from":"22:00","to":"02:30"}]}"#;
        assert_eq!(since(skipped, "2026-03-29T08:00:00Z").as_deref(), Some("2026-03-29T01:30Z"));
        let never = r#"{"time_zone":"Asia/Tokyo","shifts":[]}"#;
        assert!(hours(never).off_since("2026-11-23T00:00:00Z".parse().unwrap()).is_some());
    }

    #[test]
    fn what_is_no_time_and_no_zone_is_refused() {
        for wrong in [
            r#"{"time_zone":"Tokio","shifts":[]}"#,
            r#"{"time_zone":"Asia/Tokyo","shifts":[{"days":["Mon"],"from":"9","to":"18:00"}]}"#,
            r#"{"time_zone":"Asia/Tokyo","shifts":[{"days":["Someday"],"from":"09:00","to":"18:00"}]}"#,
        ] {
            assert!(serde_json::from_str::<Hours>(wrong).is_err(), "{wrong}");
        }
    }
}
