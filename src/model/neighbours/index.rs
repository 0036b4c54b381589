//! The nearest among the vectors of one kind: by looking at every one of them, and where there are very many, by a graph.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::hash::Hash;
use std::mem;
use std::sync::Arc;

use rayon::prelude::*;

use super::block::Block;
use super::graph::{Draft, Graph};
use super::vector::Vector;

/// Up to here, looking at every vector takes no longer than people notice.
pub const EXACT_UP_TO: usize = 100_000;
/// A graph is built anew when as many have come as this part of those that it holds.
const SHARE: usize = 4;

/// Vectors of one kind with what each belongs to.
#[derive(Debug)]
pub struct Neighbours<K> {
    width: usize,
    exact_up_to: usize,
    keys: Vec<K>,
    known: HashSet<K>,
    /// Nothing changes in them any more, so that a graph can share them.
    full: Vec<Arc<Block>>,
    open: Block,
    /// Of the first vectors. Those behind them are looked at one by one.
    graph: Option<Graph>,
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
    /// For vectors of so many numbers. With more than `exact_up_to` of them, a graph is worth building.
    pub fn new(width: usize, exact_up_to: usize) -> Self {
        Self {
            width,
            exact_up_to,
            keys: Vec::new(),
            known: HashSet::new(),
            full: Vec::new(),
            open: Block::new(width),
            graph: None,
        }
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
        self.open.push(vector);
        if self.open.len() == Block::ROOM {
            self.full.push(Arc::new(mem::replace(&mut self.open, Block::new(self.width))));
        }
        true
    }

    /// What a graph is to be built of, if one is worth it: there are too many vectors to look at each, or more than a quarter of what the graph holds
    /// have come since. Costs little, and the index may change while the draft is built.
    pub fn draft(&self) -> Option<Draft> {
        let (held, ready) = (self.held(), self.full.len() * Block::ROOM);
        let bearable = if held == 0 { self.exact_up_to } else { held / SHARE };
        (self.len() - held > bearable && ready > held).then(|| Draft::new(self.full.clone()))
    }

    /// Takes a graph that was built of this index's draft, and gives back the one that it replaces.
    pub fn adopt(&mut self, graph: Graph) -> Option<Graph> {
        self.graph.replace(graph)
    }

    fn held(&self) -> usize {
        self.graph.as_ref().map_or(0, Graph::held)
    }

    /// The `count` nearest, the nearest first, with the cosine of the angle; of equally near ones the first that was added. `but` is left
    /// out. A graph may miss one of the nearest; without a graph, and if more are asked for than one is wide enough for, none is missed.
    pub fn nearest(&self, vector: &Vector, count: usize, but: &K) -> Vec<(&K, f32)> {
        if vector.numbers().len() != self.width || count == 0 {
            return Vec::new();
        }
        let asked = Arc::new(Block::of(vector));
        let graph = self.graph.as_ref().filter(|_| count <= Graph::MOST);
        let mut found = self.nearest_from(graph.map_or(0, Graph::held), &asked, count, but);
        if let Some(graph) = graph {
            let around = graph.around(&asked).into_iter().map(|(place, near)| Found(near, place));
            found.extend(self.best_of(around, count, but));
        }
        found.sort();
        found.truncate(count);
        found.into_iter().map(|Found(near, place)| (&self.keys[place], near)).collect()
    }

    /// The best of each block, of those that begin at this place or behind it.
    fn nearest_from(&self, first: usize, asked: &Block, count: usize, but: &K) -> Vec<Found> {
        let blocks = self.full.iter().map(Arc::as_ref).chain([&self.open]).enumerate();
        let blocks: Vec<(usize, &Block)> = blocks.skip(first / Block::ROOM).collect();
        let found = blocks.into_par_iter().flat_map_iter(|(number, block)| {
            let place = |row| number * Block::ROOM + row;
            let all = (0..block.len()).map(|row| Found(block.cosine(row, asked, 0), place(row)));
            self.best_of(all, count, but)
        });
        found.collect()
    }

    fn best_of(&self, all: impl Iterator<Item = Found>, count: usize, but: &K) -> Vec<Found> {
        let mut best = BinaryHeap::with_capacity(count + 1);
        for found in all {
            let worth = best.len() < count || best.peek().is_some_and(|least| found < *least);
            if worth && self.keys[found.1] != *but {
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
        let mut index = Neighbours::new(16, EXACT_UP_TO);
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
        let (mut index, mut seed) = (Neighbours::new(4, EXACT_UP_TO), StdRng::seed_from_u64(1));
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
        let mut index = Neighbours::new(384, EXACT_UP_TO);
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
