//! AdamW with warm-up and cosine decay. candle has one, but keeps its moments to itself: a training that is to be resumed needs
//! them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, Var};

/// Decoupled weight decay regularisation (Loshchilov and Hutter 2019), with their default constants.
const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

struct Slot {
    name: String,
    var: Var,
    first: Tensor,
    second: Tensor,
}

/// The optimiser's state for a fixed list of variables.
pub struct AdamW {
    slots: Vec<Slot>,
    step: u32,
    weight_decay: f64,
}

impl AdamW {
    pub fn new(variables: Vec<(String, Var)>, weight_decay: f64) -> Result<Self> {
        let slots = variables
            .into_iter()
            .map(|(name, var)| {
                let (first, second) = (var.zeros_like()?, var.zeros_like()?);
                Ok(Slot { name, var, first, second })
            })
            .collect::<Result<_>>()?;
        Ok(Self { slots, step: 0, weight_decay })
    }

    /// One step with the given rate; gradients are scaled down together if their joint norm is above `clip`.
    pub fn step(&mut self, gradients: &GradStore, rate: f64, clip: f64) -> Result<()> {
        self.step += 1;
        let mut squares = 0f64;
        for slot in &self.slots {
            if let Some(gradient) = gradients.get(slot.var.as_tensor()) {
                squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
            }
        }
        let shrink = (clip / squares.sqrt().max(1e-12)).min(1.0);
        let bias1 = 1.0 - BETA1.powi(self.step as i32);
        let bias2 = 1.0 - BETA2.powi(self.step as i32);
        for slot in &mut self.slots {
            let Some(gradient) = gradients.get(slot.var.as_tensor()) else { continue };
            let gradient = (gradient * shrink)?;
            slot.first = ((&slot.first * BETA1)? + (&gradient * (1.0 - BETA1))?)?.detach();
            slot.second = ((&slot.second * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?.detach();
            let direction = ((&slot.first / bias1)? / ((&slot.second / bias2)?.sqrt()? + EPSILON)?)?;
            let decayed = (slot.var.as_tensor() * (1.0 - rate * self.weight_decay))?;
            slot.var.set(&(decayed - (direction * rate)?)?.detach())?;
        }
        Ok(())
    }

    pub fn steps(&self) -> u32 {
        self.step
    }

    /// Writes variables and moments.
    pub fn save(&self, file: &Path) -> Result<()> {
        let mut tensors = HashMap::new();
        for slot in &self.slots {
            tensors.insert(slot.name.clone(), slot.var.as_tensor().clone());
            tensors.insert(format!("{}#first", slot.name), slot.first.clone());
            tensors.insert(format!("{}#second", slot.name), slot.second.clone());
        }
        tensors.insert("#step".into(), Tensor::new(&[self.step], &Device::Cpu)?);
        candle_core::safetensors::save(&tensors, file)
    }

    /// Takes up what [`AdamW::save`] wrote.
    pub fn load(&mut self, file: &Path) -> Result<()> {
        let tensors = candle_core::safetensors::load(file, &Device::Cpu)?;
        let get = |name: &str| {
            tensors
                .get(name)
                .cloned()
                .ok_or_else(|| candle_core::Error::Msg(format!("checkpoint lacks `{name}`")))
        };
        for slot in &mut self.slots {
            slot.var.set(&get(&slot.name)?)?;
            slot.first = get(&format!("{}#first", slot.name))?;
            slot.second = get(&format!("{}#second", slot.name))?;
        }
        self.step = get("#step")?.to_vec1::<u32>()?.first().copied().unwrap_or(0);
        Ok(())
    }
}

/// Learning rate at `step` of `total`: a straight rise over the first `warm_up` steps, then half a cosine down to a tenth.
pub fn rate_at(step: u32, total: u32, warm_up: u32, peak: f64) -> f64 {
    if step < warm_up {
        return peak * f64::from(step + 1) / f64::from(warm_up);
    }
    let progress = f64::from(step - warm_up) / f64::from(total.saturating_sub(warm_up).max(1));
    let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos());
    peak * (0.1 + 0.9 * cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minimises_a_parabola_and_resumes_exactly() {
        let run = |steps: std::ops::Range<u32>, optimiser: &mut AdamW, var: &Var| {
            for _ in steps {
                let loss = (var.as_tensor() - 3.0).unwrap().sqr().unwrap().sum_all().unwrap();
                optimiser.step(&loss.backward().unwrap(), 0.05, 10.0).unwrap();
            }
        };
        let fresh = || Var::zeros(4, candle_core::DType::F32, &Device::Cpu).unwrap();
        let (whole, halves) = (fresh(), fresh());
        let mut optimiser = AdamW::new(vec![("x".into(), whole.clone())], 0.0).unwrap();
        run(0..200, &mut optimiser, &whole);

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("half.safetensors");
        let mut first = AdamW::new(vec![("x".into(), halves.clone())], 0.0).unwrap();
        run(0..100, &mut first, &halves);
        first.save(&file).unwrap();
        let resumed = fresh();
        let mut second = AdamW::new(vec![("x".into(), resumed.clone())], 0.0).unwrap();
        second.load(&file).unwrap();
        run(100..200, &mut second, &resumed);

        let (whole, resumed) = (whole.to_vec1::<f32>().unwrap(), resumed.to_vec1::<f32>().unwrap());
        assert_eq!(whole, resumed);
        assert!((whole[0] - 3.0).abs() < 0.1, "{whole:?}");
    }

    #[test]
    fn the_rate_rises_then_falls() {
        assert!(rate_at(0, 100, 10, 1.0) < rate_at(9, 100, 10, 1.0));
        assert!((rate_at(10, 100, 10, 1.0) - 1.0).abs() < 1e-9);
        assert!((rate_at(100, 100, 10, 1.0) - 0.1).abs() < 1e-9);
    }
}
