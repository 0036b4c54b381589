//! What a training makes small.

use candle_core::{Device, Result, Tensor};

use super::fit::Target;

/// How the parts of a loss weigh.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weighing {
    /// Share of the truth that is spread over all classes (Szegedy et al. 2016); for classes only.
    pub smoothing: f64,
    /// How many of the last outputs are auxiliary; for labels only.
    pub auxiliary: usize,
    /// What the mean over the auxiliary outputs counts beside the mean over the others.
    pub auxiliary_weight: f64,
}

/// Cross entropy over classes, or over yes-or-no questions; the targets of a batch are all of one kind.
pub(super) fn loss(logits: &Tensor, targets: &[&Target], weighing: Weighing) -> Result<Tensor> {
    let classes: Vec<u32> = targets
        .iter()
        .filter_map(|target| match target {
            Target::Class(class) => Some(*class as u32),
            Target::Labels(_) => None,
        })
        .collect();
    if classes.len() == targets.len() {
        let sharp = candle_nn::loss::cross_entropy(logits, &Tensor::new(classes, &Device::Cpu)?)?;
        let even = candle_nn::ops::log_softmax(logits, 1)?.mean_all()?.neg()?;
        return (sharp * (1.0 - weighing.smoothing))? + (even * weighing.smoothing)?;
    }
    let labels: Vec<f32> = targets
        .iter()
        .filter_map(|target| match target {
            Target::Labels(labels) => Some(labels.as_slice()),
            Target::Class(_) => None,
        })
        .flatten()
        .copied()
        .collect();
    let labels = Tensor::from_vec(labels, logits.shape(), &Device::Cpu)?;
    // candle's own takes the logarithm of a sigmoid, which is not a number once a logit is far out.
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let entropy = ((logits.relu()? - (logits * labels)?)? + softplus)?;
    let asked = entropy.dim(1)? - weighing.auxiliary;
    let policies = entropy.narrow(1, 0, asked)?.mean_all()?;
    if weighing.auxiliary == 0 || weighing.auxiliary_weight == 0.0 {
        return Ok(policies);
    }
    policies + (entropy.narrow(1, asked, weighing.auxiliary)?.mean_all()? * weighing.auxiliary_weight)?
}
