//! Inquiries to agents at the least total cost: an assignment problem whose columns have capacities.
//!
//! Successive shortest augmenting paths with potentials (the method of Jonker and Volgenant, as in Ahuja, Magnanti and Orlin,
//! *Network Flows*, chapters 9.7 and 12.4), one row at a time. Each row may stay unassigned at a price of its own, and each further
//! unit on a column may cost more than the one before. Whole numbers: the same problem has the same answer, to the last bit.

/// A pair that must not be.
pub const NEVER: i64 = i64::MAX;

/// The problem. Every finite number is at least 0 and below 2^53.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    pub columns: usize,
    /// Row by row, one cost for each column, or [`NEVER`].
    pub cost: Vec<i64>,
    /// What it costs to leave a row unassigned.
    pub wait: Vec<i64>,
    /// Rows that a column can take.
    pub capacity: Vec<u32>,
    /// How much more each further row on a column costs than the one before.
    pub rise: Vec<i64>,
}

/// The column of each row, if any.
pub type Matching = Vec<Option<usize>>;

impl Problem {
    fn row(&self, row: usize) -> &[i64] {
        &self.cost[row * self.columns..(row + 1) * self.columns]
    }

    /// What a matching costs.
    #[cfg(test)]
    pub fn total(&self, matching: &Matching) -> i64 {
        let mut used = vec![0i64; self.columns];
        let price = |(row, column): (usize, &Option<usize>)| match *column {
            None => self.wait[row],
            Some(column) => {
                used[column] += 1;
                self.row(row)[column] + (used[column] - 1) * self.rise[column]
            }
        };
        matching.iter().enumerate().map(price).sum()
    }

    /// Each row in turn takes the cheapest column that is left. Not the best, but never slow.
    pub fn greedy(&self) -> Matching {
        let mut used = vec![0u32; self.columns];
        let mut take = |row: usize| {
            let price = |column: usize| self.row(row)[column] + i64::from(used[column]) * self.rise[column];
            let best = (0..self.columns)
                .filter(|column| used[*column] < self.capacity[*column] && self.row(row)[*column] != NEVER)
                .map(|column| (price(column), column))
                .min()
                .filter(|(price, _)| *price < self.wait[row])?;
            used[best.1] += 1;
            Some(best.1)
        };
        (0..self.wait.len()).map(&mut take).collect()
    }

    /// A matching that costs no more than any other.
    pub fn optimal(&self) -> Matching {
        let mut state = Paths::new(self);
        for row in 0..self.wait.len() {
            state.insert(row);
        }
        state.column_of
    }
}

/// Where a shortest path ends.
#[derive(Clone, Copy)]
enum End {
    /// This row stays unassigned.
    Waits(usize),
    /// This column takes one more.
    Takes(usize),
}

struct Paths<'a> {
    problem: &'a Problem,
    column_of: Matching,
    rows_of: Vec<Vec<usize>>,
    /// Potentials: `cost + row - column` is never negative, and 0 for what is matched.
    row: Vec<i64>,
    column: Vec<i64>,
    /// Scratch of one search, by column.
    distance: Vec<i64>,
    before: Vec<usize>,
    open: Vec<usize>,
}

impl<'a> Paths<'a> {
    fn new(problem: &'a Problem) -> Self {
        let (rows, columns) = (problem.wait.len(), problem.columns);
        Self {
            problem,
            column_of: vec![None; rows],
            rows_of: vec![Vec::new(); columns],
            row: vec![0; rows],
            column: vec![0; columns],
            distance: vec![NEVER; columns],
            before: vec![0; columns],
            open: Vec::with_capacity(columns),
        }
    }

    fn insert(&mut self, root: usize) {
        let problem = self.problem;
        let reachable = problem.row(root).iter().zip(&self.column).filter(|(cost, _)| **cost != NEVER);
        let highest = reachable.map(|(cost, column)| column - cost).max();
        self.row[root] = highest.unwrap_or(i64::MIN).max(-problem.wait[root]);
        self.distance.fill(NEVER);
        self.open.clear();
        self.open.extend(0..problem.columns);
        let mut best = problem.wait[root] + self.row[root];
        let mut end = End::Waits(root);
        self.relax(root, 0);
        let mut scanned = Vec::new();
        // The nearest column that is not scanned yet; of equal ones the first.
        while let Some(at) = self.nearest(best) {
            let column = self.open.swap_remove(at);
            let here = self.distance[column];
            scanned.push(column);
            let taken = self.rows_of[column].len();
            if taken < problem.capacity[column] as usize {
                let there = here + taken as i64 * problem.rise[column] + self.column[column];
                if there < best {
                    (best, end) = (there, End::Takes(column));
                }
            }
            for index in 0..taken {
                let row = self.rows_of[column][index];
                let there = here + problem.wait[row] + self.row[row];
                if there < best {
                    (best, end) = (there, End::Waits(row));
                }
                self.relax(row, here);
            }
        }
        self.lift(root, best, &scanned);
        self.augment(root, end);
    }

    fn nearest(&self, best: i64) -> Option<usize> {
        let near = |(at, column): (usize, &usize)| (self.distance[*column], *column, at);
        let (distance, _, at) = self.open.iter().enumerate().map(near).min()?;
        (distance < best).then_some(at)
    }

    fn relax(&mut self, row: usize, here: i64) {
        let own = here + self.row[row];
        let costs = self.problem.row(row);
        for at in 0..self.open.len() {
            let column = self.open[at];
            if costs[column] != NEVER {
                let there = own + costs[column] - self.column[column];
                if there < self.distance[column] {
                    self.distance[column] = there;
                    self.before[column] = row;
                }
            }
        }
    }

    /// New potentials, under which the path found costs nothing. The sink's stays 0: all others move against it.
    fn lift(&mut self, root: usize, best: i64, scanned: &[usize]) {
        self.row[root] -= best;
        for column in scanned {
            let shift = best - self.distance[*column];
            self.column[*column] -= shift;
            for row in &self.rows_of[*column] {
                self.row[*row] -= shift;
            }
        }
    }

    /// Moves every row of the path on by one.
    fn augment(&mut self, root: usize, end: End) {
        let mut next = match end {
            End::Waits(row) => self.leave(row),
            End::Takes(column) => Some(column),
        };
        while let Some(column) = next {
            let row = self.before[column];
            next = self.leave(row);
            self.column_of[row] = Some(column);
            self.rows_of[column].push(row);
            if row == root {
                break;
            }
        }
    }

    fn leave(&mut self, row: usize) -> Option<usize> {
        let column = self.column_of[row].take()?;
        self.rows_of[column].retain(|other| *other != row);
        Some(column)
    }
}

#[cfg(test)]
mod tests {
    use pathfinding::kuhn_munkres::kuhn_munkres_min;
    use pathfinding::matrix::Matrix;
    use proptest::prelude::*;

    use super::*;

    fn problem() -> impl Strategy<Value = Problem> {
        (1usize..9, 1usize..7).prop_flat_map(|(rows, columns)| {
            let cost = prop_oneof![4 => 0i64..40, 1 => Just(NEVER)];
            (
                proptest::collection::vec(cost, rows * columns),
                proptest::collection::vec(0i64..80, rows),
                proptest::collection::vec(0u32..4, columns),
                proptest::collection::vec(0i64..8, columns),
            )
                .prop_map(move |(cost, wait, capacity, rise)| Problem {
                    columns,
                    cost,
                    wait,
                    capacity,
                    rise,
                })
        })
    }

    /// The same with a column for each unit and for each row that waits, by another library.
    fn by_hungarian(problem: &Problem) -> i64 {
        const FORBIDDEN: i64 = 1_000_000;
        let rows = problem.wait.len();
        let mut matrix: Vec<Vec<i64>> = vec![Vec::new(); rows];
        for column in 0..problem.columns {
            for unit in 0..problem.capacity[column] {
                for (row, line) in matrix.iter_mut().enumerate() {
                    let cost = problem.row(row)[column];
                    let price = cost.saturating_add(i64::from(unit) * problem.rise[column]);
                    line.push(if cost == NEVER { FORBIDDEN } else { price });
                }
            }
        }
        for (row, line) in matrix.iter_mut().enumerate() {
            line.extend((0..rows).map(|other| if other == row { problem.wait[row] } else { FORBIDDEN }));
        }
        kuhn_munkres_min(&Matrix::from_rows(matrix).unwrap()).0
    }

    fn allowed(problem: &Problem, matching: &Matching) -> bool {
        let mut used = vec![0; problem.columns];
        matching.iter().enumerate().all(|(row, column)| {
            column.is_none_or(|column| {
                used[column] += 1;
                problem.row(row)[column] != NEVER && used[column] <= problem.capacity[column]
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn as_cheap_as_the_hungarian_method_and_no_dearer_than_greedy(problem in problem()) {
            let (optimal, greedy) = (problem.optimal(), problem.greedy());
            prop_assert!(allowed(&problem, &optimal) && allowed(&problem, &greedy));
            prop_assert_eq!(problem.total(&optimal), by_hungarian(&problem));
            prop_assert!(problem.total(&optimal) <= problem.total(&greedy));
        }
    }

    #[test]
    fn a_row_gives_way_to_one_that_needs_the_column_more() {
        let problem = Problem {
            columns: 2,
            cost: vec![1, 3, 1, NEVER],
            wait: vec![100, 100],
            capacity: vec![1, 1],
            rise: vec![0, 0],
        };
        assert_eq!(problem.optimal(), [Some(1), Some(0)]);
        assert_eq!(problem.greedy(), [Some(0), None]);
    }

    #[test]
    fn nothing_to_decide_is_decided() {
        assert!(Problem::default().optimal().is_empty());
        let alone = Problem { wait: vec![5], ..Problem::default() };
        assert_eq!(alone.optimal(), [None]);
    }
}
