//! The gradient of one step, computed by several threads that each take a share of the batch.
//!
//! A thread that multiplies its own small matrices from end to end is seldom idle; threads that share every product wait for each
//! other after each. On two cores shares take about three quarters of the time.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// What a share of a batch costs, and how much it counts.
pub trait Work: Sync {
    /// About proportional to the time it takes.
    fn size(&self) -> usize;
    /// Targets in it: the loss of a batch is the mean over all of them.
    fn targets(&self) -> usize;
}

/// Threads for shares of a batch.
pub struct Shards {
    pools: Vec<ThreadPool>,
}

impl Shards {
    /// As many as the current rayon pool has threads. Each is a pool of its own, so that what a share does in parallel stays in it.
    pub fn new() -> Result<Self> {
        let pools = (0..rayon::current_num_threads().max(1))
            .map(|_| ThreadPoolBuilder::new().num_threads(1).build().map_err(candle_core::Error::wrap))
            .collect::<Result<_>>()?;
        Ok(Self { pools })
    }

    /// Mean loss of a batch and its gradient by `variables`. `loss` gives the mean loss of a share; its second argument tells
    /// the shares apart, for random numbers.
    pub fn gradient<W: Work>(
        &self,
        batch: &[&W],
        variables: &[(String, Var)],
        loss: impl Fn(&[&W], u64) -> Result<Tensor> + Sync,
    ) -> Result<(f32, GradStore)> {
        let all = batch.iter().map(|work| work.targets()).sum::<usize>().max(1);
        let shares = deal(batch, self.pools.len());
        let one = |share: &[&W], index: u64| -> Result<(f32, GradStore)> {
            let targets = share.iter().map(|work| work.targets()).sum::<usize>();
            let part = (loss(share, index)? * (targets as f64 / all as f64))?;
            Ok((part.to_scalar::<f32>()?, part.backward()?))
        };
        let one = &one;
        let done: Vec<Result<(f32, GradStore)>> = std::thread::scope(|scope| {
            let running: Vec<_> = shares
                .iter()
                .zip(&self.pools)
                .enumerate()
                .map(|(index, (share, pool))| scope.spawn(move || pool.install(|| one(share, index as u64))))
                .collect();
            running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut done = done.into_iter();
        let Some(first) = done.next() else { candle_core::bail!("a batch without examples") };
        let (mut total, mut sum) = first?;
        for share in done {
            let (loss, gradients) = share?;
            total += loss;
            for (_, variable) in variables {
                let variable = variable.as_tensor();
                let Some(gradient) = gradients.get(variable) else { continue };
                let joint = match sum.get(variable) {
                    Some(before) => (before + gradient)?,
                    None => gradient.clone(),
                };
                sum.insert(variable, joint);
            }
        }
        Ok((total, sum))
    }
}

/// Shares of about the same size, none of them without a target: largest first, each to the share that has least so far.
fn deal<'a, W: Work>(batch: &[&'a W], shares: usize) -> Vec<Vec<&'a W>> {
    let mut order: Vec<&W> = batch.iter().copied().filter(|work| work.targets() > 0).collect();
    order.sort_by_key(|work| std::cmp::Reverse(work.size()));
    let mut dealt: Vec<(usize, Vec<&W>)> = vec![(0, Vec::new()); shares.min(order.len())];
    for work in order {
        if let Some((size, share)) = dealt.iter_mut().min_by_key(|(size, _)| *size) {
            *size += work.size();
            share.push(work);
        }
    }
    dealt.into_iter().map(|(_, share)| share).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    struct Number {
        value: f32,
        targets: usize,
    }

    impl Work for Number {
        fn size(&self) -> usize {
            self.value as usize
        }

        fn targets(&self) -> usize {
            self.targets
        }
    }

    /// Mean over targets of `value · variable`, whose gradient is the mean value.
    fn mean_product(share: &[&Number], variable: &Var) -> Result<Tensor> {
        let targets: usize = share.iter().map(|number| number.targets).sum();
        let sum: f32 = share.iter().map(|number| number.value * number.targets as f32).sum();
        variable.as_tensor() * f64::from(sum / targets as f32)
    }

    #[test]
    fn shares_add_up_to_the_whole_batch() {
        let variable = Var::from_vec(vec![2f32], (), &Device::Cpu).unwrap();
        let numbers: Vec<Number> = (1..=7).map(|i| Number { value: i as f32, targets: i % 3 }).collect();
        let batch: Vec<&Number> = numbers.iter().collect();
        let variables = vec![("v".to_owned(), variable.clone())];
        let (loss, gradients) = Shards::new()
            .unwrap()
            .gradient(&batch, &variables, |share, _| mean_product(share, &variable))
            .unwrap();
        let targets: usize = numbers.iter().map(|number| number.targets).sum();
        let mean =
            numbers.iter().map(|number| number.value * number.targets as f32).sum::<f32>() / targets as f32;
        let gradient = gradients.get(variable.as_tensor()).unwrap().to_scalar::<f32>().unwrap();
        assert!((gradient - mean).abs() < 1e-5, "{gradient} {mean}");
        assert!((loss - 2.0 * mean).abs() < 1e-5, "{loss}");
    }

    #[test]
    fn every_share_is_about_as_large() {
        let numbers: Vec<Number> = (1..=16).map(|i| Number { value: i as f32, targets: 1 }).collect();
        let dealt = deal(&numbers.iter().collect::<Vec<_>>(), 2);
        let sizes: Vec<usize> =
            dealt.iter().map(|share| share.iter().map(|number| number.size()).sum()).collect();
        assert_eq!(sizes, [68, 68]);
    }
}
