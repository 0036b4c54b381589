//! The nearest among many vectors of one kind, by looking at every one of them.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::hash::Hash;

use rayon::prelude::*;

use super::vector::{Vector, dot};

/// Vectors that one thread looks at in one go.
const STRETCH: usize = 8_192;

/// Vectors of one kind with what each belongs to.
#[derive(Debug)]
pub struct Neighbours<K> {
    width: usize,
    keys: Vec<K>,
    known: HashSet<K>,
    /// One after the other.
    numbers: Vec<i8>,
    lengths: Vec<f32>,
}

/// A place and how near it is; the least near is the greatest, so that a heap gives it up first.
#[derive(PartialEq)]
struct Found(f32, usize);

impl Eq for Found {}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0).then(self.1.cmp(&other.1))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Clone + Eq + Hash + Sync> Neighbours<K> {
    /// For vectors of so many numbers.
    pub fn new(width: usize) -> Self {
        Self { width, keys: Vec::new(), known: HashSet::new(), numbers: Vec::new(), lengths: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds a vector. `false` for one that is there, or that is of another kind.
    pub fn insert(&mut self, key: K, vector: &Vector) -> bool {
        if vector.numbers().len() != self.width || !self.known.insert(key.clone()) {
            return false;
        }
        self.keys.push(key);
        self.numbers.extend_from_slice(vector.numbers());
        self.lengths.push(vector.length());
        true
    }

    /// The `count` nearest, the nearest first, with the cosine of the angle; of equally near ones the first that was added. `but` is left
    /// out.
    pub fn nearest(&self, vector: &Vector, count: usize, but: &K) -> Vec<(&K, f32)> {
        if vector.numbers().len() != self.width || count == 0 {
            return Vec::new();
        }
        let stretches = self.numbers.par_chunks(STRETCH * self.width).enumerate();
        let found =
            stretches.map(|(index, stretch)| self.best_of(stretch, index * STRETCH, vector, count, but));
        let mut found: Vec<Found> = found.flatten_iter().collect();
        found.sort();
        found.truncate(count);
        found.into_iter().map(|Found(near, place)| (&self.keys[place], near)).collect()
    }

    fn best_of(&self, stretch: &[i8], from: usize, vector: &Vector, count: usize, but: &K) -> Vec<Found> {
        let length = vector.length();
        let mut best = BinaryHeap::with_capacity(count + 1);
        for (numbers, place) in stretch.chunks_exact(self.width).zip(from..) {
            let near = dot(numbers, vector.numbers()) as f32 / (length * self.lengths[place]);
            let found = Found(near, place);
            let worth = best.len() < count || best.peek().is_some_and(|least| found < *least);
            if worth && self.keys[place] != *but {
                best.push(found);
                if best.len() > count {
                    best.pop();
                }
            }
        }
        best.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use rand::prelude::*;
    use rand::rngs::StdRng;

    use super::*;

    fn random(random: &mut StdRng, width: usize) -> Vector {
        let numbers: Vec<f32> = (0..width).map(|_| random.random_range(-1.0..1.0)).collect();
        Vector::of(&numbers).unwrap()
    }

    #[test]
    fn the_nearest_are_those_of_the_greatest_cosine() {
        let mut seed = StdRng::seed_from_u64(11);
        let mut index = Neighbours::new(16);
        let vectors: Vec<Vector> = (0..20_000).map(|_| random(&mut seed, 16)).collect();
        for (key, vector) in vectors.iter().enumerate() {
            assert!(index.insert(key, vector));
        }
        for _ in 0..20 {
            let asked = random(&mut seed, 16);
            let mut all: Vec<(usize, f32)> =
                vectors.iter().enumerate().map(|(key, vector)| (key, vector.cosine(&asked))).collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let but = all[1].0;
            let expected: Vec<usize> =
                all.iter().map(|(key, _)| *key).filter(|key| *key != but).take(5).collect();
            let found = index.nearest(&asked, 5, &but);
            assert_eq!(found.iter().map(|(key, _)| **key).collect::<Vec<_>>(), expected);
            assert!((found[0].1 - all[0].1).abs() < 1e-6);
        }
    }

    #[test]
    fn each_is_there_once_and_of_one_kind() {
        let (mut index, mut seed) = (Neighbours::new(4), StdRng::seed_from_u64(1));
        let one = random(&mut seed, 4);
        assert!(index.insert("a", &one) && !index.insert("a", &one) && index.insert("b", &one));
        assert!(!index.insert("c", &random(&mut seed, 5)));
        assert_eq!((index.len(), index.is_empty()), (2, false));
        assert_eq!(index.nearest(&one, 5, &"b").iter().map(|(key, _)| **key).collect::<Vec<_>>(), ["a"]);
        assert!(index.nearest(&random(&mut seed, 5), 5, &"b").is_empty());
        assert!(index.nearest(&one, 0, &"b").is_empty());
    }

    /// `cargo test --release --lib looking_at_every_one -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn looking_at_every_one_of_100_000() {
        let mut seed = StdRng::seed_from_u64(3);
        let mut index = Neighbours::new(384);
        for key in 0..100_000 {
            index.insert(key, &random(&mut seed, 384));
        }
        let mut times: Vec<_> = (0..50)
            .map(|_| {
                let asked = random(&mut seed, 384);
                let begun = std::time::Instant::now();
                assert_eq!(index.nearest(&asked, 5, &usize::MAX).len(), 5);
                begun.elapsed()
            })
            .collect();
        times.sort();
        println!("exact, 100,000 of 384: median {:?}, slowest {:?}", times[25], times[49]);
    }
}
