//! What rules find and what it is worth, for the list and for one rule.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::console::layout::grouped;
use crate::console::routing::{tenths, wilson};
use crate::rules::{Mode, Rule, RulePack, Status};
use crate::store::rules::{RuleSwitch, RuleVolume, ShadowCount};
use crate::store::{Store, StoreError};

/// Days of the two periods whose findings the list counts.
pub(super) const SHORTER: u64 = 7;
pub(super) const LONGER: u64 = 30;
/// Switches that are read: far more than there are rules.
const MOST_SWITCHES: u32 = 5_000;

/// What a rule does at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It counts.
    Live,
    /// It is looked at, and counts for nothing.
    Shadow,
    /// It serves conversation rules only.
    Part,
    /// Somebody switched it off.
    Off,
    /// Deprecated: never evaluated.
    Retired,
    /// Its policy is not judged.
    Idle,
}

impl Standing {
    pub(super) const ALL: [Standing; 6] =
        [Standing::Live, Standing::Shadow, Standing::Part, Standing::Off, Standing::Retired, Standing::Idle];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Standing::Live => "live",
            Standing::Shadow => "shadow",
            Standing::Part => "part",
            Standing::Off => "off",
            Standing::Retired => "retired",
            Standing::Idle => "idle",
        }
    }

    /// `judged`: the policies of the configuration.
    pub(super) fn of(rule: &Rule, off: bool, judged: &[crate::contract::Policy]) -> Self {
        if off {
            Standing::Off
        } else if rule.status == Status::Deprecated {
            Standing::Retired
        } else if rule.is_part() {
            Standing::Part
        } else if !judged.iter().any(|policy| policy.as_str() == rule.policy) {
            Standing::Idle
        } else if rule.mode == Mode::Shadow {
            Standing::Shadow
        } else {
            Standing::Live
        }
    }
}

/// How often a rule was right, of what people decided without doubt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Right {
    pub(super) violations: u64,
    pub(super) others: u64,
    pub(super) unsure: u64,
}

impl Right {
    pub(super) fn decided(self) -> u64 {
        self.violations + self.others
    }

    /// Share, and Wilson's interval; none if nothing was decided.
    pub(super) fn rates(self) -> Option<[f64; 3]> {
        let of = self.decided();
        (of > 0).then(|| {
            let (low, high) = wilson(self.violations, of);
            [self.violations as f64 / of as f64, low, high]
        })
    }

    /// `87.5%`, and `70.2–95.1%`; both empty if nothing was decided.
    pub(super) fn shown(self) -> (String, String) {
        match self.rates() {
            Some([share, low, high]) => (tenths(share), format!("{}–{}", tenths(low), tenths(high))),
            None => Default::default(),
        }
    }
}

/// Findings in the two periods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) shorter: u64,
    pub(super) longer: u64,
}

impl Volume {
    pub(super) fn shown(self) -> (String, String) {
        (grouped(self.shorter), grouped(self.longer))
    }
}

/// Everything that the database says of the rules.
#[derive(Default)]
pub(super) struct Figures {
    switches: BTreeMap<String, RuleSwitch>,
    /// By rule, and by whether it was in shadow.
    volumes: BTreeMap<(String, bool), Volume>,
    live: BTreeMap<String, Right>,
    shadow: BTreeMap<String, Right>,
}

impl Figures {
    pub(super) async fn read(store: &dyn Store, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let since = now - TimeDelta::days(LONGER as i64);
        let switches = store.rule_switches(MOST_SWITCHES).await?;
        let volumes = store.rule_volumes(first_day(now, LONGER), first_day(now, SHORTER)).await?;
        let mut live: BTreeMap<String, Right> = BTreeMap::new();
        for count in store.review_figures(since).await? {
            if let Some(rule) = count.source.strip_prefix("rule:") {
                let right = live.entry(rule.to_owned()).or_default();
                right.violations += count.violations;
                right.others += count.others;
                right.unsure += count.unsure;
            }
        }
        let shadow = store.shadow_figures(since).await?;
        Ok(Self {
            switches: switches.into_iter().map(|switch| (switch.rule_id.clone(), switch)).collect(),
            volumes: volumes
                .into_iter()
                .map(|RuleVolume { rule_id, shadow, shorter, longer }| {
                    ((rule_id, shadow), Volume { shorter, longer })
                })
                .collect(),
            live,
            shadow: shadow
                .into_iter()
                .map(|ShadowCount { rule_id, violations, others, unsure }| {
                    (rule_id, Right { violations, others, unsure })
                })
                .collect(),
        })
    }

    pub(super) fn switch(&self, rule: &str) -> Option<&RuleSwitch> {
        self.switches.get(rule)
    }

    /// Ids of the rules that are off, also of such that no pack holds.
    pub(super) fn off(&self) -> BTreeSet<String> {
        self.switches.values().filter(|switch| switch.off).map(|switch| switch.rule_id.clone()).collect()
    }

    /// Those that are off although the rules do not hold them.
    pub(super) fn strangers(&self, pack: Option<&RulePack>) -> Vec<&RuleSwitch> {
        let unknown = |switch: &&RuleSwitch| pack.is_none_or(|pack| pack.rule(&switch.rule_id).is_none());
        self.switches.values().filter(|switch| switch.off).filter(unknown).collect()
    }

    pub(super) fn volume(&self, rule: &str, shadow: bool) -> Volume {
        self.volumes.get(&(rule.to_owned(), shadow)).copied().unwrap_or_default()
    }

    pub(super) fn right(&self, rule: &str, shadow: bool) -> Right {
        let of = if shadow { &self.shadow } else { &self.live };
        of.get(rule).copied().unwrap_or_default()
    }
}

/// The first of so many days that end today.
pub(super) fn first_day(now: DateTime<Utc>, days: u64) -> NaiveDate {
    let today = now.date_naive();
    today.checked_sub_days(Days::new(days.saturating_sub(1))).unwrap_or(today)
}
