//! Builds the engines from the configuration: the only place that knows where their files are.

use std::sync::Arc;

use super::error::CliError;
use crate::config::{Config, ConfigError, locate};
use crate::model::classifier::{Base, ConversationModel, InquiryModel};
use crate::moderation::{Moderator, PolicySettings};
use crate::routing::RoutingPolicy;
use crate::rules::RulePack;
use crate::text::Tokenizer;

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

/// Rules and model, with the thresholds that the configuration or the model's own held-out data give. The pack is compiled while
/// the model is read.
pub fn moderator(config: &Config, base: &Base) -> Result<Arc<Moderator>, CliError> {
    let (model, rules) = rayon::join(|| conversation_model(config, base), || rule_pack(config));
    let (model, rules) = (model?, rules?);
    let tokenizer = Tokenizer::new().map_err(|error| CliError::Bug(error.to_string()))?;
    let policies = model
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
            }
        })
        .collect();
    Ok(Arc::new(Moderator::new(tokenizer, rules, model, policies)))
}

fn conversation_model(config: &Config, base: &Base) -> Result<ConversationModel, CliError> {
    let folder = locate(&config.models.conversation, "model folder", "models.conversation")?;
    let heads = locate(&config.models.policies, "folder of policy heads", "models.policies")?;
    let mut model = ConversationModel::open(base, &folder)?;
    for policy in config.moderation.policies.keys() {
        let folder = heads.join(policy.as_str());
        if !folder.is_dir() {
            return Err(CliError::Config(ConfigError::Key {
                key: format!("moderation.policies.{policy}"),
                origin: "switched on in the configuration".into(),
                detail: format!(
                    "expected its head in {}; train one, or take the policy out",
                    folder.display()
                ),
            }));
        }
        model.add_head(&folder, policy)?;
    }
    Ok(model)
}

pub fn inquiry_model(config: &Config, base: &Base) -> Result<Arc<InquiryModel>, CliError> {
    let folder = locate(&config.models.inquiries, "model folder", "models.inquiries")?;
    Ok(Arc::new(InquiryModel::open(base, &folder)?))
}

pub fn routing_policy(config: &Config, model: &InquiryModel) -> RoutingPolicy {
    let shipped = model.description().confidence_floor;
    RoutingPolicy { confidence_floor: config.routing.confidence_floor.resolve(shipped) }
}
