//! Builds the engines from the configuration: the only place that knows where their files are.

use std::sync::Arc;

use super::error::CliError;
use crate::config::{Config, locate};
use crate::contract::Policy;
use crate::model::catalogue::ModelFolders;
use crate::model::classifier::{Base, ConversationModel, InquiryModel};
use crate::moderation::{Moderator, PolicySettings, RulesOnly};
use crate::routing::Policy as RoutingPolicy;
use crate::rules::{PackFiles, RulePack};
use crate::text::Tokenizer;
use crate::worker::{Shadow, ShadowModels};

/// Sets the number of threads that read messages. Once a process.
pub fn start_threads(config: &Config) -> Result<(), CliError> {
    if config.models.threads == 0 {
        return Ok(());
    }
    // Already built (a second command in one process): the first setting stays.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(config.models.threads).build_global();
    Ok(())
}

pub fn base(config: &Config) -> Result<Base, CliError> {
    let folder = locate(&config.models.encoder, "encoder folder", "models.encoder")?;
    Ok(Base::open(&folder)?)
}

pub fn rule_pack(config: &Config) -> Result<RulePack, CliError> {
    let folder = locate(&config.moderation.rules, "rule folder", "moderation.rules")?;
    RulePack::load(&folder).map_err(CliError::Rules)
}

/// What the console shows of the moderation. A folder of rules that is not there is told on its page.
pub fn moderation_of(config: &Config) -> crate::console::Moderation {
    let files = pack_files(config).unwrap_or_else(|error| {
        tracing::warn!(%error, "the console goes on without rules");
        PackFiles { rules: config.moderation.rules.clone(), fixtures: None }
    });
    crate::console::Moderation {
        policies: config.moderation.policies.keys().cloned().collect(),
        rules: Some(crate::console::RuleFolder {
            files,
            every: config.moderation.rules_reload,
            report_from: config.moderation.rules_report_from,
            longest_text: config.limits.max_text_chars,
        }),
        models: model_folders(config),
    }
}

/// Where the models are; none if they are not on this machine.
fn model_folders(config: &Config) -> Option<ModelFolders> {
    let models = &config.models;
    let shadow = (!models.shadow.as_os_str().is_empty())
        .then(|| locate(&models.shadow, "folder of models in shadow", "models.shadow").ok())
        .flatten();
    Some(ModelFolders {
        conversation: locate(&models.conversation, "model folder", "models.conversation").ok()?,
        policies: locate(&models.policies, "folder of policy heads", "models.policies").ok()?,
        inquiries: locate(&models.inquiries, "model folder", "models.inquiries").ok()?,
        shadow,
    })
}

/// Where a running program finds its rules again. Fixtures that are not there are passed over.
pub fn pack_files(config: &Config) -> Result<PackFiles, CliError> {
    let rules = locate(&config.moderation.rules, "rule folder", "moderation.rules")?;
    let fixtures = &config.moderation.rules_fixtures;
    let fixtures = if fixtures.as_os_str().is_empty() {
        None
    } else {
        locate(fixtures, "folder of fixtures", "moderation.rules_fixtures").ok()
    };
    Ok(PackFiles { rules, fixtures })
}

/// Which heads a moderator may do without.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Heads {
    /// None: for measuring and fitting.
    All,
    /// Some: for work that has to go on. Each head that cannot be used takes out only its own policy's model, loudly.
    Usable,
}

/// A moderator with every head; see [`moderator_with`].
pub fn moderator(config: &Config, base: &Base) -> Result<Arc<Moderator>, CliError> {
    moderator_with(config, base, Heads::All)
}

/// Rules and model, with the thresholds that the configuration or the model's own held-out data give. The pack is compiled while
/// the model is read.
pub fn moderator_with(config: &Config, base: &Base, heads: Heads) -> Result<Arc<Moderator>, CliError> {
    let (model, rules) = rayon::join(|| conversation_model(config, base, heads), || rule_pack(config));
    assemble(config, model?, rules?)
}

/// The same from its parts, for those who read the model and compile the pack side by side with other things.
pub fn assemble(config: &Config, model: UsableModel, rules: RulePack) -> Result<Arc<Moderator>, CliError> {
    let UsableModel { model, headless } = model;
    let tokenizer = Tokenizer::new().map_err(|error| CliError::Bug(error.to_string()))?;
    let policies = settings(config, &model);
    let rules_only = headless
        .into_iter()
        .filter_map(|policy| {
            let thresholds = config.moderation.policies.get(&policy)?;
            Some(RulesOnly {
                report: thresholds.report.resolve(f64::INFINITY),
                hide: thresholds.hide.resolve(f64::INFINITY),
                rules_report_from: config.moderation.rules_report_from,
                severity: thresholds.severity,
                policy,
            })
        })
        .collect();
    Ok(Arc::new(Moderator::new(tokenizer, rules, model, policies, rules_only)))
}

/// How each head of a model leads to an action.
fn settings(config: &Config, model: &ConversationModel) -> Vec<PolicySettings> {
    model
        .heads()
        .iter()
        .map(|head| {
            let description = &head.description;
            let policy = config.moderation.policies.get(&description.policy);
            let thresholds = &description.thresholds;
            PolicySettings {
                policy: description.policy.clone(),
                version: description.version.clone(),
                combination: description.combination.clone(),
                report: policy.map_or(thresholds.report, |policy| policy.report.resolve(thresholds.report)),
                hide: policy.map_or(f64::INFINITY, |policy| policy.hide.resolve(thresholds.hide)),
                rules_report_from: config.moderation.rules_report_from,
                severity: policy.map_or(0.0, |policy| policy.severity),
            }
        })
        .collect()
}

/// The models in shadow, if they are configured. What is wrong with them is told, and harms nothing.
pub fn shadow_model(config: &Config, base: &Base) -> ShadowModel {
    if config.models.shadow.as_os_str().is_empty() {
        return ShadowModel::Off;
    }
    match open_shadow(config, base) {
        Ok(model) => ShadowModel::Usable(Box::new(model)),
        Err(error) => {
            tracing::error!(%error, "the models in shadow cannot be loaded: nothing is judged in shadow");
            ShadowModel::Unusable
        }
    }
}

/// The models in shadow, without the settings that make them judge.
pub enum ShadowModel {
    Off,
    Unusable,
    Usable(Box<ConversationModel>),
}

impl ShadowModel {
    /// Ready to judge beside a moderator.
    pub fn beside(self, config: &Config, live: &Moderator) -> Shadow {
        let model = match self {
            ShadowModel::Off => return Shadow::Off,
            ShadowModel::Unusable => return Shadow::Unusable,
            ShadowModel::Usable(model) => *model,
        };
        let policies = settings(config, &model);
        let models = Arc::new(live.with_models(model, policies, Vec::new()));
        match rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "shadow".into()).build() {
            Ok(thread) => {
                tracing::info!(shadow = models.judging(), live = live.judging(), "judging in shadow");
                let share = config.models.shadow_share;
                Shadow::Judging(ShadowModels { models, thread: Arc::new(thread), share })
            }
            Err(error) => {
                tracing::error!(%error, "no thread for the models in shadow: nothing is judged in shadow");
                Shadow::Unusable
            }
        }
    }
}

fn open_shadow(config: &Config, base: &Base) -> Result<ConversationModel, CliError> {
    let folder = locate(&config.models.shadow, "folder of models in shadow", "models.shadow")?;
    let mut model = ConversationModel::open(base, &folder.join("conversation"))?;
    let mut last = None;
    for policy in config.moderation.policies.keys() {
        if let Err(error) = model.add_head(&folder.join("policies").join(policy.as_str()), policy) {
            tracing::error!(%policy, %error, "no usable head in shadow: this policy is not compared");
            last = Some(error);
        }
    }
    match last {
        Some(error) if model.heads().is_empty() => Err(error.into()),
        _ => Ok(model),
    }
}

/// The model with the heads that can be used, and the policies whose head cannot.
pub struct UsableModel {
    model: ConversationModel,
    headless: Vec<Policy>,
}

pub fn conversation_model(config: &Config, base: &Base, wanted: Heads) -> Result<UsableModel, CliError> {
    let folder = locate(&config.models.conversation, "model folder", "models.conversation")?;
    let heads = locate(&config.models.policies, "folder of policy heads", "models.policies")?;
    let mut model = ConversationModel::open(base, &folder)?;
    let mut headless = Vec::new();
    let mut first_error = None;
    for policy in config.moderation.policies.keys() {
        if let Err(error) = model.add_head(&heads.join(policy.as_str()), policy) {
            if wanted == Heads::All {
                return Err(error.into());
            }
            tracing::error!(
                %policy,
                %error,
                "no usable head: this policy is judged by its rules alone; train the head, or take the policy out"
            );
            headless.push(policy.clone());
            first_error.get_or_insert(error);
        }
    }
    match first_error {
        // Not one head is more likely a wrong folder than a broken model.
        Some(error) if model.heads().is_empty() => Err(error.into()),
        _ => Ok(UsableModel { model, headless }),
    }
}

pub fn inquiry_model(config: &Config, base: &Base) -> Result<Arc<InquiryModel>, CliError> {
    let folder = locate(&config.models.inquiries, "model folder", "models.inquiries")?;
    Ok(Arc::new(InquiryModel::open(base, &folder)?))
}

pub fn routing_policy(config: &Config, model: &InquiryModel) -> Arc<RoutingPolicy> {
    Arc::new(config.routing.policy(model.description().confidence_floor))
}
