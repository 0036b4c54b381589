//! The nearest among very many vectors, along the links of a graph: HNSW, in which every vector is linked with some around it, in layers that
//! get sparser. What it finds is nearly always what looking at every vector finds; how near it is, is always exact.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use instant_distance::{Builder, Heuristic, Hnsw, Point, Search};

use super::block::Block;

/// Layers are drawn by lot, in every graph the same.
const SEED: u64 = 20;
/// Vectors among which a new one chooses its links.
const BUILD_WIDTH: usize = 200;
/// Vectors that a search keeps in sight. Few are asked for, so it is wide: what it misses, nobody sees.
const SEARCH_WIDTH: usize = 400;

/// What a graph is to be built of: blocks in which nothing changes any more.
#[derive(Debug)]
pub struct Draft {
    blocks: Vec<Arc<Block>>,
}

impl Draft {
    /// `blocks` are the first ones of an index, and full.
    pub(super) fn new(blocks: Vec<Arc<Block>>) -> Self {
        Self { blocks }
    }

    /// Takes long, on the threads of the pool that it is called in. On one thread the same vectors make the same graph; on several, two of them
    /// may change the links of one vector at once, and which change stays is chance.
    pub fn build(self) -> Graph {
        let (firsts, copies) = self.sort_out();
        let heuristic = Heuristic { extend_candidates: false, keep_pruned: false };
        let builder = Builder::default().seed(SEED).select_heuristic(Some(heuristic));
        let builder = builder.ef_construction(BUILD_WIDTH).ef_search(SEARCH_WIDTH);
        let (links, _) = builder.build_hnsw(firsts);
        Graph { held: self.blocks.len() * Block::ROOM, links, copies }
    }

    /// Each vector once, and the places of its copies by the first one's. Copies would be linked with each other only, and more of them than a
    /// search keeps in sight would hide everything else.
    fn sort_out(&self) -> (Vec<Place>, HashMap<usize, Vec<usize>>) {
        let mut known: HashMap<&[i8], usize> = HashMap::new();
        let (mut firsts, mut copies) = (Vec::new(), HashMap::<_, Vec<_>>::new());
        for (number, block) in self.blocks.iter().enumerate() {
            for row in 0..block.len() {
                let place = number * Block::ROOM + row;
                match known.entry(block.numbers(row)) {
                    Entry::Occupied(first) => copies.entry(*first.get()).or_default().push(place),
                    Entry::Vacant(new) => {
                        new.insert(place);
                        firsts.push(Place { block: block.clone(), place });
                    }
                }
            }
        }
        (firsts, copies)
    }
}

/// Finds the nearest of the first vectors of an index, those that were there when it was drafted.
pub struct Graph {
    held: usize,
    links: Hnsw<Place>,
    copies: HashMap<usize, Vec<usize>>,
}

impl Graph {
    /// Whoever asks for more has to look at every vector.
    pub(super) const MOST: usize = SEARCH_WIDTH / 10;

    /// It knows so many vectors, from the first one on.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Places around the one vector of `asked`, more than are ever asked for, with the cosine of the angle.
    pub(super) fn around(&self, asked: &Arc<Block>) -> Vec<(usize, f32)> {
        let (asked, mut search) = (Place { block: asked.clone(), place: 0 }, Search::default());
        let mut found = Vec::with_capacity(SEARCH_WIDTH);
        for item in self.links.search(&asked, &mut search) {
            let (first, near) = (item.point.place, -item.distance);
            let copies = self.copies.get(&first).into_iter().flatten().copied();
            found.extend([first].into_iter().chain(copies).map(|place| (place, near)));
        }
        found
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Graph").field("held", &self.held).finish_non_exhaustive()
    }
}

/// A vector in its block, which the graph shares with the index: numbers are kept once.
#[derive(Clone)]
struct Place {
    block: Arc<Block>,
    /// In the whole index.
    place: usize,
}

impl Place {
    fn row(&self) -> usize {
        self.place % Block::ROOM
    }
}

impl Point for Place {
    /// The graph only asks which of two is less.
    fn distance(&self, other: &Self) -> f32 {
        -self.block.cosine(self.row(), &other.block, other.row())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::{Duration, Instant};

    use rand::prelude::*;
    use rand::rngs::StdRng;
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::model::neighbours::{EXACT_UP_TO, Neighbours, Vector};

    const NOBODY: usize = usize::MAX;

    /// Vectors that lie as those of texts do: around centres, and in far fewer directions than they have numbers, but for a little noise.
    struct Texts {
        random: StdRng,
        directions: Vec<Vec<f32>>,
        centres: Vec<Vec<f32>>,
    }

    impl Texts {
        fn new(seed: u64, width: usize, directions: usize, centres: usize) -> Self {
            let mut random = StdRng::seed_from_u64(seed);
            let mut some = |count: usize, width: usize| -> Vec<Vec<f32>> {
                (0..count).map(|_| numbers(&mut random, width)).collect()
            };
            let (directions, centres) = (some(directions, width), some(centres, directions));
            Self { random, directions, centres }
        }

        fn one(&mut self) -> Vector {
            let centre = self.random.random_range(0..self.centres.len());
            let beside = numbers(&mut self.random, self.directions.len());
            let mut text: Vec<f32> =
                numbers(&mut self.random, self.directions[0].len()).iter().map(|noise| 0.5 * noise).collect();
            for ((direction, centre), beside) in
                self.directions.iter().zip(&self.centres[centre]).zip(&beside)
            {
                let part = centre + 0.6 * beside;
                text.iter_mut().zip(direction).for_each(|(number, direction)| *number += part * direction);
            }
            Vector::of(&text).unwrap()
        }

        fn some(&mut self, count: usize) -> Vec<Vector> {
            (0..count).map(|_| self.one()).collect()
        }
    }

    fn numbers(random: &mut StdRng, count: usize) -> Vec<f32> {
        (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    fn index_of(vectors: &[Vector], exact_up_to: usize) -> Neighbours<usize> {
        let mut index = Neighbours::new(vectors[0].numbers().len(), exact_up_to);
        for (key, vector) in vectors.iter().enumerate() {
            assert!(index.insert(key, vector));
        }
        index
    }

    fn built(draft: Draft, threads: usize) -> Graph {
        ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| draft.build())
    }

    /// The same vectors, with a graph and without.
    fn both(vectors: &[Vector], exact_up_to: usize) -> (Neighbours<usize>, Neighbours<usize>) {
        let (mut index, exact) = (index_of(vectors, exact_up_to), index_of(vectors, usize::MAX));
        let graph = built(index.draft().unwrap(), 1);
        assert_eq!(graph.held(), vectors.len() / Block::ROOM * Block::ROOM);
        assert!(index.adopt(graph).is_none() && exact.draft().is_none());
        (index, exact)
    }

    fn found(index: &Neighbours<usize>, asked: &Vector, count: usize, but: usize) -> Vec<(usize, f32)> {
        index.nearest(asked, count, &but).into_iter().map(|(key, near)| (*key, near)).collect()
    }

    /// How many of the five nearest were found.
    fn recall(found: &[Vec<(usize, f32)>], exact: &[Vec<(usize, f32)>]) -> f64 {
        let keys = |of: &Vec<(usize, f32)>| of.iter().map(|(key, _)| *key).collect::<HashSet<_>>();
        let hits =
            found.iter().zip(exact).map(|(found, exact)| keys(found).intersection(&keys(exact)).count());
        hits.sum::<usize>() as f64 / exact.iter().map(Vec::len).sum::<usize>() as f64
    }

    #[test]
    fn it_finds_what_looking_at_every_vector_finds() {
        let mut texts = Texts::new(5, 48, 12, 60);
        let vectors = texts.some(8_500);
        let (index, exact) = both(&vectors, 1_000);
        let asked = texts.some(200);
        let answers = |index: &Neighbours<usize>| -> Vec<_> {
            asked.iter().map(|asked| found(index, asked, 5, NOBODY)).collect()
        };
        let (by_graph, by_all) = (answers(&index), answers(&exact));
        for (asked, answer) in asked.iter().zip(&by_graph) {
            assert_eq!(answer.iter().map(|(key, _)| key).collect::<HashSet<_>>().len(), 5, "each once");
            assert!(answer.is_sorted_by(|a, b| a.1 >= b.1), "{answer:?}");
            for (key, near) in answer {
                assert_eq!(*near, vectors[*key].cosine(asked), "the figure is exact");
            }
        }
        let recall = recall(&by_graph, &by_all);
        assert!(recall >= 0.95, "{recall}");
    }

    #[test]
    fn the_same_vectors_make_the_same_graph_on_one_thread() {
        let mut texts = Texts::new(6, 32, 8, 30);
        let index = index_of(&texts.some(3 * Block::ROOM), 1_000);
        let (one, other) = (built(index.draft().unwrap(), 1), built(index.draft().unwrap(), 1));
        for asked in texts.some(30) {
            let asked = Arc::new(Block::of(&asked));
            assert_eq!(one.around(&asked), other.around(&asked));
        }
    }

    #[test]
    fn what_comes_later_is_found_at_once_and_taken_in_when_it_is_much() {
        let mut texts = Texts::new(7, 32, 8, 30);
        let vectors = texts.some(4 * Block::ROOM);
        let (mut index, _) = both(&vectors, 1_000);
        for key in vectors.len()..vectors.len() + Block::ROOM {
            let late = texts.one();
            assert!(index.draft().is_none());
            assert!(index.insert(key, &late) && !index.insert(key, &late));
            assert_eq!(index.nearest(&late, 1, &NOBODY)[0].0, &key);
        }
        let one_more = texts.one();
        assert!(index.insert(usize::MAX - 1, &one_more));
        let graph = built(index.draft().unwrap(), 1);
        assert_eq!(graph.held(), 5 * Block::ROOM);
        assert_eq!(index.adopt(graph).unwrap().held(), 4 * Block::ROOM);
        assert!(index.draft().is_none());
        assert_eq!(index.nearest(&one_more, 1, &NOBODY)[0].0, &(usize::MAX - 1));
        assert_eq!(index.nearest(&vectors[9], 1, &NOBODY)[0].0, &9);
    }

    #[test]
    fn who_asks_is_left_out_and_other_widths_are_refused() {
        let mut texts = Texts::new(8, 32, 8, 30);
        let vectors = texts.some(3 * Block::ROOM + 100);
        let (mut index, _) = both(&vectors, 1_000);
        for but in [0, 1_500, vectors.len() - 1] {
            assert_eq!(found(&index, &vectors[but], 1, NOBODY)[0].0, but);
            let others = found(&index, &vectors[but], 5, but);
            assert!(others.len() == 5 && others.iter().all(|(key, _)| *key != but), "{others:?}");
        }
        let other = Texts::new(9, 31, 8, 30).one();
        assert!(!index.insert(NOBODY, &other));
        assert!(index.nearest(&other, 5, &NOBODY).is_empty());
        assert!(index.nearest(&vectors[0], 0, &NOBODY).is_empty());
    }

    #[test]
    fn up_to_the_border_every_vector_is_looked_at() {
        let mut texts = Texts::new(10, 32, 8, 30);
        let vectors = texts.some(2_001);
        let mut index = index_of(&vectors[..2_000], 2_000);
        assert!(index.draft().is_none());
        for asked in texts.some(20) {
            let mut all: Vec<_> =
                vectors[..2_000].iter().map(|vector| vector.cosine(&asked)).enumerate().collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            assert_eq!(found(&index, &asked, 5, NOBODY), all[..5]);
        }
        assert!(index.insert(2_000, &vectors[2_000]));
        assert!(index.draft().is_some());
    }

    #[test]
    fn a_graph_that_is_not_wide_enough_is_not_asked() {
        let mut texts = Texts::new(11, 32, 8, 30);
        let (index, exact) = both(&texts.some(3 * Block::ROOM + 100), 1_000);
        let asked = texts.one();
        let many = found(&index, &asked, SEARCH_WIDTH + 100, NOBODY);
        assert_eq!(many.len(), SEARCH_WIDTH + 100);
        assert_eq!(many, found(&exact, &asked, SEARCH_WIDTH + 100, NOBODY));
    }

    /// People send the same template again and again.
    #[test]
    fn very_many_copies_hide_nothing() {
        let mut texts = Texts::new(12, 32, 8, 30);
        let mut vectors = texts.some(4 * Block::ROOM);
        let template = vectors[2].clone();
        for place in (2..vectors.len()).step_by(3) {
            vectors[place] = template.clone();
        }
        let (index, exact) = both(&vectors, 1_000);
        let copies = found(&index, &template, 5, 8);
        assert_eq!(copies, found(&exact, &template, 5, 8));
        assert_eq!(copies.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [2, 5, 11, 14, 17]);
        let own = (0..vectors.len()).filter(|place| place % 3 != 2).step_by(40);
        let hits = own.clone().filter(|own| found(&index, &vectors[*own], 1, NOBODY)[0].0 == *own).count();
        assert!(hits as f64 >= 0.95 * own.clone().count() as f64, "{hits} of {}", own.count());
    }

    /// `cargo test --release --lib a_graph_of_300_000 -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn a_graph_of_300_000_built_on_one_and_two_threads() {
        let mut texts = Texts::new(13, 384, 32, 1_000);
        let mut index = Neighbours::new(384, EXACT_UP_TO);
        for key in 0..300_000 {
            index.insert(key, &texts.one());
        }
        let asked = texts.some(200);
        let (exact, median) = timed(&index, &asked);
        println!("exact, 300,000 of 384: median {median:?}");
        let drafts = [1, 2].map(|threads| (threads, index.draft().unwrap()));
        for (threads, draft) in drafts {
            let begun = Instant::now();
            let graph = built(draft, threads);
            println!("graph of {} on {threads} threads: built in {:?}", graph.held(), begun.elapsed());
            index.adopt(graph);
            let (by_graph, median) = timed(&index, &asked);
            println!("by graph: median {median:?}, recall at 5 {:.4}", recall(&by_graph, &exact));
        }
    }

    fn timed(index: &Neighbours<usize>, asked: &[Vector]) -> (Vec<Vec<(usize, f32)>>, Duration) {
        let (answers, mut times): (Vec<_>, Vec<_>) = asked
            .iter()
            .map(|asked| {
                let begun = Instant::now();
                (found(index, asked, 5, NOBODY), begun.elapsed())
            })
            .unzip();
        times.sort();
        (answers, times[times.len() / 2])
    }
}
