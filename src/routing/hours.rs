//! Working hours: weekly shifts in a time zone.

use chrono::{DateTime, Datelike, NaiveTime, Utc, Weekday};
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
