//! What the worker counts and times, in Prometheus' terms. Labels come from closed lists: never from a message.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::TimeDelta;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::contract::{Policy, RejectionCode, Skill};
use crate::moderation::Decision;
use crate::queue::Inbound;
use crate::store::operations::Throughput;
use crate::store::{EndedCount, Ending, RoutingDecision, RoutingOutcome};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum DeliveryOutcome {
    Decided,
    Duplicate,
    DeadLettered,
    Requeued,
}

/// What became of a message whose alert was to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Explained {
    Kept,
    Failed,
    /// There was no room for it.
    Dropped,
}

/// A timed part of the work on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Stage {
    Receive,
    Judge,
    /// Inquiries with agents.
    Match,
    Commit,
    Publish,
}

/// What came of looking at changed rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Reload {
    Replaced,
    /// The same rules as those in force.
    Unchanged,
    /// Something was wrong with them; those in force stay.
    Refused,
}

/// What became of a batch that was offered to the models in shadow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum ShadowOutcome {
    Judged,
    /// They were behind.
    Dropped,
    /// They, or the database, failed on it.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShadowLabels {
    outcome: ShadowOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    outcome: Reload,
}

/// One value at a time: that of the rules in force.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VersionLabels {
    version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MissingLabels {
    missing: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyLabels {
    policy: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    queue: &'static str,
    outcome: DeliveryOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectionLabels {
    queue: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExplainedLabels {
    outcome: Explained,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoutingLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SkillLabels {
    skill: &'static str,
}

/// Relaxation steps are few: as many as are configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    step: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    queue: &'static str,
}

/// Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    deliveries: Family<DeliveryLabels, Counter>,
    rejections: Family<RejectionLabels, Counter>,
    verdicts: Family<ActionLabels, Counter>,
    alerts: Counter,
    explained: Family<ExplainedLabels, Counter>,
    undecided: Family<MissingLabels, Counter>,
    rules_version: Family<VersionLabels, Gauge>,
    reloads: Family<ReloadLabels, Counter>,
    rules_refused: Gauge,
    rules_off: Gauge,
    rules_loaded: Gauge,
    headless: Family<PolicyLabels, Gauge>,
    routed: Family<RoutingLabels, Counter>,
    assigned_at_step: Family<StepLabels, Counter>,
    ended: Family<RoutingLabels, Gauge>,
    wrong: Family<SkillLabels, Gauge>,
    events: Counter,
    webhooks: Family<WebhookLabels, Counter>,
    stages: Family<StageLabels, Histogram>,
    outbox: Gauge,
    ready: Family<QueueLabels, Gauge>,
    dead: Family<QueueLabels, Gauge>,
    shadow: Family<ShadowLabels, Counter>,
    shadow_unusable: Gauge,
    /// What was done since somebody last took it, for the reports.
    throughput: Mutex<BTreeMap<Inbound, Throughput>>,
}

impl Metrics {
    /// `versions` are pairs of name and value, such as the version of the rule pack.
    pub fn new(versions: Vec<(String, String)>) -> Self {
        let mut registry = Registry::with_prefix("mimamori");
        let deliveries = Family::default();
        let rejections = Family::default();
        let verdicts = Family::default();
        let alerts = Counter::default();
        let undecided = Family::default();
        let rules_version = Family::default();
        let reloads = Family::default();
        let rules_refused = Gauge::default();
        let rules_off = Gauge::default();
        let rules_loaded = Gauge::default();
        let headless = Family::default();
        let routed = Family::default();
        let assigned_at_step = Family::default();
        let ended = Family::default();
        let wrong = Family::default();
        let events = Counter::default();
        let webhooks = Family::default();
        let stages = Family::new_with_constructor(stage_histogram as fn() -> Histogram);
        let outbox = Gauge::default();
        let ready = Family::default();
        let dead = Family::default();
        let shadow = Family::default();
        let shadow_unusable = Gauge::default();
        registry.register("deliveries", "Deliveries by what became of them", deliveries.clone());
        registry.register("rejections", "Dead-lettered deliveries by reason", rejections.clone());
        registry.register("verdicts", "Verdicts by action", verdicts.clone());
        registry.register("alerts", "Alerts written", alerts.clone());
        let explained = Family::<ExplainedLabels, Counter>::default();
        registry.register("explanations", "Explanations of alerts by what became of them", explained.clone());
        registry.register(
            "rules_undecided",
            "Enforced rules that were neither true nor false on a message, by what was missing",
            undecided.clone(),
        );
        registry.register("rules_version", "1 for the rule pack in force", rules_version.clone());
        registry.register("rules_reloads", "Looks at changed rules by what came of them", reloads.clone());
        registry.register(
            "rules_refused",
            "1 while changed rules wait in the folder that could not be taken",
            rules_refused.clone(),
        );
        registry.register(
            "rules_off",
            "Rules of the pack in force that somebody switched off",
            rules_off.clone(),
        );
        registry.register_with_unit(
            "rules_loaded_timestamp",
            "When the rules were last read and found good",
            Unit::Seconds,
            rules_loaded.clone(),
        );
        registry.register(
            "policy_without_model",
            "1 for a policy without a usable head, which rules alone judge",
            headless.clone(),
        );
        registry.register("inquiries_routed", "Routing decisions by outcome", routed.clone());
        registry.register(
            "inquiries_assigned_at_step",
            "Assignments by the relaxation step that the inquiry had reached",
            assigned_at_step.clone(),
        );
        // Read from the database, because most assignments end in another process: every worker shows the same.
        registry.register(
            "assignments_ended_last_day",
            "Assignments that ended in the last 24 hours, by how they ended",
            ended.clone(),
        );
        registry.register(
            "wrong_allocations_last_day",
            "Assignments of the last 24 hours whose agent said that another skill is needed, by the skill that was asked for",
            wrong.clone(),
        );
        registry.register("events_published", "Events that the broker has confirmed", events.clone());
        registry.register(
            "webhook_attempts",
            "Attempts to send a webhook, by what came of them: delivered, or why not",
            webhooks.clone(),
        );
        registry.register_with_unit("stage", "Time of one batch in a stage", Unit::Seconds, stages.clone());
        registry.register("outbox_rows", "Events that wait to be published", outbox.clone());
        registry.register("queue_ready", "Deliveries that wait in the queue", ready.clone());
        registry.register("queue_dead_letters", "Dead letters in the queue", dead.clone());
        registry.register(
            "shadow_batches",
            "Batches that were offered to the models in shadow, by what became of them",
            shadow.clone(),
        );
        registry.register(
            "shadow_unusable",
            "1 if models in shadow are configured that cannot be loaded",
            shadow_unusable.clone(),
        );
        registry.register("build", "Versions of this worker", Info::new(versions));
        let inner = Inner {
            registry,
            deliveries,
            rejections,
            verdicts,
            alerts,
            explained,
            undecided,
            rules_version,
            reloads,
            rules_refused,
            rules_off,
            rules_loaded,
            headless,
            routed,
            assigned_at_step,
            ended,
            wrong,
            events,
            webhooks,
            stages,
            outbox,
            ready,
            dead,
            shadow,
            shadow_unusable,
            throughput: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn deliveries(&self, queue: Inbound, outcome: DeliveryOutcome, count: usize) {
        let labels = DeliveryLabels { queue: queue.as_str(), outcome };
        self.inner.deliveries.get_or_create(&labels).inc_by(count as u64);
        self.note(queue, |done| {
            let counted = match outcome {
                DeliveryOutcome::Decided => &mut done.decided,
                DeliveryOutcome::Duplicate => &mut done.duplicates,
                DeliveryOutcome::DeadLettered => &mut done.dead_lettered,
                DeliveryOutcome::Requeued => &mut done.requeued,
            };
            *counted += count as u64;
        });
    }

    /// How long something took from the sending, or the receipt, to the decision.
    pub fn waited(&self, queue: Inbound, took: impl IntoIterator<Item = TimeDelta>) {
        self.note(queue, |done| took.into_iter().for_each(|took| done.waits.count(took)));
    }

    /// What was done since the last call.
    pub fn take_throughput(&self) -> BTreeMap<Inbound, Throughput> {
        std::mem::take(&mut *self.inner.throughput.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, queue: Inbound, note: impl FnOnce(&mut Throughput)) {
        // Counts are whole whatever happened to who held the lock.
        let mut all = self.inner.throughput.lock().unwrap_or_else(PoisonError::into_inner);
        note(all.entry(queue).or_default());
    }

    pub fn rejected(&self, queue: Inbound, code: RejectionCode) {
        // The one log line that a dead letter leaves: its reason, never its body.
        tracing::warn!(queue = queue.as_str(), reason = code.as_str(), "dead letter");
        let labels = RejectionLabels { queue: queue.as_str(), code: code.as_str() };
        self.inner.rejections.get_or_create(&labels).inc();
    }

    pub fn decided(&self, decisions: &[Decision], new_alerts: u64) {
        for decision in decisions {
            let labels = ActionLabels { action: decision.verdict.action.as_str() };
            self.inner.verdicts.get_or_create(&labels).inc();
            for missing in decision.verdict.undecided.iter().flat_map(|rule| &rule.missing) {
                let labels = MissingLabels { missing: missing.as_str() };
                self.inner.undecided.get_or_create(&labels).inc();
            }
        }
        self.inner.alerts.inc_by(new_alerts);
        self.note(Inbound::Messages, |done| done.alerts += new_alerts);
    }

    /// Counts an alert whose explanation was asked for.
    pub fn explained(&self, outcome: Explained) {
        self.inner.explained.get_or_create(&ExplainedLabels { outcome }).inc();
    }

    /// The rules that are in force from now on; `old` are those that were.
    pub fn rules_in_force(&self, old: &str, new: &str) {
        let labels = |version: &str| VersionLabels { version: version.to_owned() };
        self.inner.rules_version.get_or_create(&labels(new)).set(1);
        if old != new {
            self.inner.rules_version.remove(&labels(old));
        }
    }

    /// How many rules of the pack in force are switched off.
    pub fn rules_off(&self, count: usize) {
        self.inner.rules_off.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a look at changed rules.
    pub fn rules_reloaded(&self, outcome: Reload) {
        self.inner.reloads.get_or_create(&ReloadLabels { outcome }).inc();
        self.inner.rules_refused.set(i64::from(outcome == Reload::Refused));
        if outcome != Reload::Refused {
            self.rules_found_good();
        }
    }

    /// Notes the time.
    pub fn rules_found_good(&self) {
        self.inner.rules_loaded.set(chrono::Utc::now().timestamp());
    }

    pub fn policy_without_model(&self, policy: &Policy) {
        let labels = PolicyLabels { policy: policy.to_string() };
        self.inner.headless.get_or_create(&labels).set(1);
    }

    pub fn routed(&self, decision: &RoutingDecision, outcome: &RoutingOutcome) {
        let outcome = match outcome {
            RoutingOutcome::AlreadyDecided => "already_decided",
            RoutingOutcome::Decided(assignment) if assignment.agent_id.is_some() => {
                let labels = StepLabels { step: decision.explanation.step as u64 };
                self.inner.assigned_at_step.get_or_create(&labels).inc();
                "assigned"
            }
            RoutingOutcome::Decided(_) => match decision.proposal {
                crate::routing::Proposal::Triage => "triage",
                _ => "waiting",
            },
        };
        self.inner.routed.get_or_create(&RoutingLabels { outcome }).inc();
    }

    /// What ended in the last 24 hours.
    pub fn ended_last_day(&self, counts: &[EndedCount]) {
        let sum = |of: &dyn Fn(&&EndedCount) -> bool| -> i64 {
            let total: u64 = counts.iter().filter(of).map(|one| one.count).sum();
            i64::try_from(total).unwrap_or(i64::MAX)
        };
        for ending in Ending::ALL {
            let labels = RoutingLabels { outcome: ending.as_str() };
            self.inner.ended.get_or_create(&labels).set(sum(&|one| one.ending == ending));
        }
        for skill in Skill::ALL {
            let labels = SkillLabels { skill: skill.as_str() };
            self.inner.wrong.get_or_create(&labels).set(sum(&|one| one.wrong && one.skill == skill));
        }
    }

    /// `outcome` is `delivered` or the name of a failure.
    pub fn webhook_attempt(&self, outcome: &'static str) {
        self.inner.webhooks.get_or_create(&WebhookLabels { outcome }).inc();
    }

    pub fn shadow(&self, outcome: ShadowOutcome) {
        self.inner.shadow.get_or_create(&ShadowLabels { outcome }).inc();
    }

    pub fn shadow_unusable(&self) {
        self.inner.shadow_unusable.set(1);
    }

    pub fn events_published(&self, count: usize) {
        self.inner.events.inc_by(count as u64);
    }

    /// Starts timing a stage; it counts when the timer is stopped.
    pub fn stage(&self, stage: Stage) -> StageTimer {
        StageTimer { metrics: self.clone(), stage, started: Instant::now() }
    }

    pub fn outbox_rows(&self, rows: u64) {
        self.inner.outbox.set(i64::try_from(rows).unwrap_or(i64::MAX));
    }

    pub fn queue_depth(&self, queue: Inbound, depth: crate::queue::Depth) {
        let labels = QueueLabels { queue: queue.as_str() };
        self.inner.ready.get_or_create(&labels).set(i64::try_from(depth.ready).unwrap_or(i64::MAX));
        self.inner.dead.get_or_create(&labels).set(i64::try_from(depth.dead_letters).unwrap_or(i64::MAX));
    }

    /// The page that Prometheus reads.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut page = String::new();
        encode(&mut page, &self.inner.registry)?;
        Ok(page)
    }
}

/// Buckets from half a millisecond to about 16 seconds.
fn stage_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

/// A running stage.
pub struct StageTimer {
    metrics: Metrics,
    stage: Stage,
    started: Instant,
}

impl StageTimer {
    pub fn stop(self) {
        let labels = StageLabels { stage: self.stage };
        self.metrics.inner.stages.get_or_create(&labels).observe(self.started.elapsed().as_secs_f64());
    }
}
