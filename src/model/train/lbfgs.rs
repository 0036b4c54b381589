//! The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno for smooth convex functions of very many variables (Nocedal
//! and Wright, Numerical Optimization, 2006, algorithm 7.4), with a line search by halving.

use std::collections::VecDeque;

/// Earlier steps from which the curvature is estimated.
const MEMORY: usize = 6;
const MOST_STEPS: usize = 300;
/// A step has to lower the function by this part of what its slope promises (Armijo's condition).
const ENOUGH: f64 = 1e-4;
const MOST_HALVINGS: usize = 30;
/// The end is reached when ten steps together lower the function by less than this part of it.
const SETTLED: f64 = 1e-4;

/// A step that was made: how the point and the gradient changed, and 1 / their product.
struct Made {
    moved: Vec<f32>,
    turned: Vec<f32>,
    inverse: f64,
}

/// The point where `function`, which gives value and gradient, is lowest, from `start`.
pub fn minimise(function: impl Fn(&[f32]) -> (f64, Vec<f32>), start: Vec<f32>) -> Vec<f32> {
    let mut point = start;
    let (mut value, mut gradient) = function(&point);
    let mut made: VecDeque<Made> = VecDeque::new();
    let mut values = VecDeque::from([value]);
    for _ in 0..MOST_STEPS {
        let direction = direction(&gradient, &made);
        let slope = dot(&gradient, &direction);
        if slope >= 0.0 {
            break;
        }
        // Nothing is known of the scale before the first step.
        let first = if made.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let tried =
            (0..MOST_HALVINGS).map(|halvings| first * 0.5f64.powi(halvings as i32)).find_map(|length| {
                let there: Vec<f32> =
                    point.iter().zip(&direction).map(|(x, d)| x + (length * f64::from(*d)) as f32).collect();
                let (lower, slopes) = function(&there);
                (lower <= value + ENOUGH * length * slope).then_some((there, lower, slopes))
            });
        let Some((there, lower, slopes)) = tried else { break };
        let moved: Vec<f32> = there.iter().zip(&point).map(|(new, old)| new - old).collect();
        let turned: Vec<f32> = slopes.iter().zip(&gradient).map(|(new, old)| new - old).collect();
        let product = dot(&moved, &turned);
        if product > 1e-10 * dot(&turned, &turned) {
            made.push_back(Made { moved, turned, inverse: 1.0 / product });
        }
        if made.len() > MEMORY {
            made.pop_front();
        }
        (point, value, gradient) = (there, lower, slopes);
        values.push_back(value);
        if values.len() > 10 {
            let before = values.pop_front().unwrap_or(f64::INFINITY);
            if before - value < SETTLED * value.abs() {
                break;
            }
        }
    }
    point
}

/// Minus the gradient, bent by the curvature that the steps so far have met.
fn direction(gradient: &[f32], made: &VecDeque<Made>) -> Vec<f32> {
    let mut direction: Vec<f32> = gradient.iter().map(|slope| -slope).collect();
    let mut along = Vec::with_capacity(made.len());
    for step in made.iter().rev() {
        let by = step.inverse * dot(&step.moved, &direction);
        add(&mut direction, &step.turned, -by);
        along.push(by);
    }
    if let Some(newest) = made.back() {
        let scale = (1.0 / (newest.inverse * dot(&newest.turned, &newest.turned))) as f32;
        direction.iter_mut().for_each(|x| *x *= scale);
    }
    for (step, by) in made.iter().zip(along.into_iter().rev()) {
        let back = step.inverse * dot(&step.turned, &direction);
        add(&mut direction, &step.moved, by - back);
    }
    direction
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn add(to: &mut [f32], what: &[f32], times: f64) {
    to.iter_mut().zip(what).for_each(|(x, y)| *x += (times * f64::from(*y)) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bottom_of_a_long_valley() {
        // Σ wᵢ (xᵢ − i)², with weights from 1 to 1,000.
        let weight = |index: usize| 10f64.powf(index as f64 / 33.0);
        let function = |x: &[f32]| {
            let away: Vec<f64> = x.iter().enumerate().map(|(i, x)| f64::from(*x) - i as f64).collect();
            let value = away.iter().enumerate().map(|(i, d)| weight(i) * d * d).sum();
            (value, away.iter().enumerate().map(|(i, d)| (2.0 * weight(i) * d) as f32).collect())
        };
        let found = minimise(function, vec![0.0; 100]);
        for (index, x) in found.iter().enumerate() {
            assert!((f64::from(*x) - index as f64).abs() < 0.5, "{index}: {x}");
        }
    }

    #[test]
    fn stays_where_nothing_is_lower() {
        assert_eq!(minimise(|_| (0.0, vec![0.0; 2]), vec![3.0, 4.0]), [3.0, 4.0]);
    }
}
